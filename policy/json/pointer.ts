/**
 * A pointer ends up in answers and audit records, and its tokens are names that the sender chose: one that would be
 * longer stops at the nearest enclosing member that fits.
 */
const maxPointerLength = 512;

/** RFC 6901 section 3. */
export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** RFC 6901 section 4: the order of the two replacements matters. */
export function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** `pointer` extended by one member, unless that would make it too long to record. */
export function childPointer(pointer: string, token: string | number): string {
  const text = typeof token === 'number' ? String(token) : token;
  if (pointer.length + text.length >= maxPointerLength) return pointer;
  const child = `${pointer}/${escapeToken(text)}`;
  return child.length > maxPointerLength ? pointer : child;
}

/** The longest prefix of whole tokens that is short enough to record. */
export function shortPointer(pointer: string): string {
  if (pointer.length <= maxPointerLength) return pointer;
  return pointer.slice(0, pointer.lastIndexOf('/', maxPointerLength));
}
