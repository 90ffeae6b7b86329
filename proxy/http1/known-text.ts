/** A power of two. */
const places = 1024;
const maxLength = 64;
const remembered: (string | undefined)[] = Array.from({ length: places });

/**
 * The bytes as text; of what was read before, such as the name of a field, the same string again: to find it by its bytes is
 * cheaper than to make and hash it anew. What is new replaces what stood in its place, so nobody can fill the memory.
 */
export function knownText(bytes: Buffer, start: number, end: number): string {
  if (end - start > maxLength) return bytes.toString('latin1', start, end);
  const place = placeOf(bytes, start, end);
  const known = remembered[place];
  if (known !== undefined && isThat(known, bytes, start, end)) return known;
  const text = bytes.toString('latin1', start, end);
  remembered[place] = text;
  return text;
}

/** By three of the bytes and how many there are: of 150 usual names and methods four share a place with another. */
function placeOf(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] ?? 0;
  const middle = bytes[(start + end) >> 1] ?? 0;
  const last = bytes[end - 1] ?? 0;
  return (first * 41 + middle * 19 + last * 97 + (end - start) * 37) & (places - 1);
}

function isThat(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = start; at < end; at += 1) if (text.charCodeAt(at - start) !== bytes[at]) return false;
  return true;
}
