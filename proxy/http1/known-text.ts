/** A power of two. */
const places = 512;
const maxLength = 64;
const remembered: (string | undefined)[] = Array.from({ length: places });

/**
 * The bytes as text; of what was read before, such as the name of a field, the same string again: to find it by its bytes is
 * cheaper than to make and hash it anew. What is new replaces what stood in its place, so nobody can fill the memory.
 */
export function knownText(bytes: Buffer, start: number, end: number): string {
  if (end - start > maxLength) return bytes.toString('latin1', start, end);
  let place = 0;
  for (let at = start; at < end; at += 1) place = (Math.imul(place, 31) + (bytes[at] as number)) & (places - 1);
  const known = remembered[place];
  if (known !== undefined && isThat(known, bytes, start, end)) return known;
  const text = bytes.toString('latin1', start, end);
  remembered[place] = text;
  return text;
}

function isThat(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = start; at < end; at += 1) if (text.charCodeAt(at - start) !== bytes[at]) return false;
  return true;
}
