export type Ends = { readonly left: boolean; readonly right: boolean };

/**
 * Takes characters off one end or both. In loops, since a pattern that is anchored at the end (`/ +$/`) is tried from every
 * place: on a long run that something follows, it takes the square of its length.
 */
export function withoutEnds(text: string, isCut: (char: string) => boolean, { left, right }: Ends): string {
  let [start, end] = [0, text.length];
  if (left) {
    for (const char of text) {
      if (!isCut(char)) break;
      start += char.length;
    }
  }
  while (right && end > start) {
    const char = lastChar(text, end);
    if (!isCut(char)) break;
    end -= char.length;
  }
  return text.slice(start, end);
}

function lastChar(text: string, end: number): string {
  const pair = text.slice(Math.max(0, end - 2), end);
  return pair.length === 2 && (pair.codePointAt(0) as number) > 0xff_ff ? pair : text.slice(end - 1, end);
}
