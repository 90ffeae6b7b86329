/**
 * The only way in which text of a policy becomes source text: a JavaScript string literal. Everything but plain letters,
 * digits and a few signs is escaped by code unit, so that no quote, line terminator (U+2028 ends a line in old grammars),
 * comment end, template or lone surrogate is ever read as anything but part of the string.
 */
export function literal(text: string): string {
  return `"${text.replaceAll(/[^A-Za-z0-9 _.,:;!?@#%&()[\]{}|~^=+-]/g, escapeUnit)}"`;
}

/** Without the `u` flag a match is one code unit. */
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
