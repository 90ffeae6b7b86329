/*
 * Text in double quotes as Go writes it (strconv.Quote), which is how OPA shows strings inside of other values. JSON's
 * quotes differ: they leave what cannot be printed as it is.
 */

const named: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** Go's unicode.IsPrint: of all that is white, only the space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const plain = /^[ !#-[\]-~]*$/;

export type Quoting = {
  readonly quote: '"' | "'";
  /** Whether everything beyond ASCII is escaped. */
  readonly ascii: boolean;
};

const double: Quoting = { quote: '"', ascii: false };

export function quoted(text: string, quoting: Quoting = double): string {
  if (quoting.quote === '"' && plain.test(text)) return `"${text}"`;
  let escaped = '';
  for (const char of text) escaped += escapedChar(char, quoting);
  return quoting.quote + escaped + quoting.quote;
}

function escapedChar(char: string, { quote, ascii }: Quoting): string {
  if (char === quote) return `\\${quote}`;
  const name = named[char];
  if (name !== undefined) return name;
  const point = char.codePointAt(0) as number;
  if (isPrintable(char) && !(ascii && point > 0x7e)) return char;
  if (point < 0x80) return `\\x${hex(point, 2)}`;
  return point < 0x1_00_00 ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`;
}

export const isPrintable = (char: string): boolean => printable.test(char);

const hex = (point: number, digits: number): string => point.toString(16).padStart(digits, '0');
