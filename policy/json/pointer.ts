/** RFC 6901 section 3. */
export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** RFC 6901 section 4: the order of the two replacements matters. */
export function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

export function childPointer(pointer: string, token: string | number): string {
  return `${pointer}/${typeof token === 'number' ? token : escapeToken(token)}`;
}

/**
 * The longest prefix of whole tokens that is short enough to record: a pointer into a document ends up in answers and
 * audit records, and its tokens are names that the sender chose.
 */
export function shortPointer(pointer: string): string {
  const maxLength = 512;
  return pointer.length <= maxLength ? pointer : pointer.slice(0, pointer.lastIndexOf('/', maxLength));
}
