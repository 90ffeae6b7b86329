import { codePointCount } from '../strings/code-points.ts';
import { type FloatVerb, floatText } from './float-text.ts';
import { isPrintable, quoted } from './quote.ts';
import type { NumberValue } from '../../value/value.ts';

/** What stands between the percent sign and the verb. */
export type Directive = {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
};

export const bare: Readonly<Directive> = {
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  width: undefined,
  precision: undefined,
};

/** An operand as OPA hands it to Go: what is neither number nor string has become its text. A RegoDecimal is a double. */
export type Argument = string | NumberValue;

/** One operand through one verb. */
export function formatted(verb: string, directive: Directive, argument: Argument): string {
  if (verb === 'T') return padded(truncated(goType(argument), directive), directive);
  if (verb === 'v') return plainText(directive, argument);
  const made =
    typeof argument === 'string' ? stringText(verb, directive, argument) : numberText(verb, directive, argument);
  return made ?? mistaken(verb, directive, argument);
}

/** The names of the Go types show in what `%T` and wrong verbs give. */
export function goType(argument: Argument): string {
  if (typeof argument === 'string') return 'string';
  if (!isInteger(argument)) return 'float64';
  return isInt64(argument) ? 'int64' : '*big.Int';
}

/** The verb `v`: `+` has no meaning left, and `#` asks for Go syntax. */
export function plainText(directive: Directive, argument: Argument): string {
  const verb = typeof argument === 'string' && directive.sharp ? 'q' : plainVerb(argument);
  return formatted(verb, { ...directive, sharp: false, plus: false }, argument);
}

function plainVerb(argument: Argument): 's' | 'd' | 'g' {
  if (typeof argument === 'string') return 's';
  return isInteger(argument) ? 'd' : 'g';
}

/** Flags and width hold for the operand that is shown. A large integer prints itself, without them. */
function mistaken(verb: string, directive: Directive, argument: Argument): string {
  const type = goType(argument);
  if (type === '*big.Int') return `%!${verb}(big.Int=${String(argument)})`;
  return `%!${verb}(${type}=${formatted(plainVerb(argument), directive, argument)})`;
}

function stringText(verb: string, directive: Directive, text: string): string | undefined {
  switch (verb) {
    case 's':
      return padded(truncated(text, directive), directive);
    case 'q':
      return padded(quotedText(truncated(text, directive), directive), directive);
    case 'x':
    case 'X':
      return bytesText(verb, directive, text);
    default:
      return undefined;
  }
}

/** A precision counts characters of a string. */
function truncated(text: string, { precision }: Directive): string {
  return precision === undefined || precision >= text.length ? text : Array.from(text).slice(0, precision).join('');
}

/** A raw string, where asked for, cannot hold a backquote, a control character but the tab, or a byte order mark. */
const noRawString = /[\0-\u0008\u000a-\u001f`\u007f\ufeff]/;

const quotedText = (text: string, { plus, sharp }: Directive): string =>
  sharp && !noRawString.test(text) ? `\`${text}\`` : quoted(text, { quote: '"', ascii: plus });

function bytesText(verb: 'x' | 'X', directive: Directive, text: string): string {
  const bytes = Buffer.from(text, 'utf8').subarray(0, directive.precision);
  const prefix = directive.sharp ? '0x' : '';
  const pairs = bytes.toString('hex').match(/../g) ?? [];
  const digits = directive.space ? pairs.map((pair) => prefix + pair).join(' ') : prefix + pairs.join('');
  const made = bytes.length === 0 ? '' : digits;
  return padded(verb === 'X' ? made.toUpperCase() : made, directive);
}

function numberText(verb: string, directive: Directive, value: NumberValue): string | undefined {
  const base = bases[verb];
  if (base !== undefined && isInteger(value)) return integerText(verb, base, directive, BigInt(value));
  const float = floats[verb];
  // Where OPA tells 100.0 from 100, this value model does not: both are shown, where Go would refuse 100.
  if (float !== undefined) return doubleText(verb, float, directive, Number(value));
  if (!isInteger(value)) return undefined;
  if (!isInt64(value)) return verb === 's' ? integerText(verb, 10, directive, BigInt(value)) : undefined;
  switch (verb) {
    case 'c':
      return padded(charOf(value), directive);
    case 'q':
      return padded(quoted(charOf(value), { quote: "'", ascii: directive.plus }), directive);
    case 'U':
      return padded(unicodeText(directive, value), { ...directive, zero: false });
    default:
      return undefined;
  }
}

const bases: Readonly<Record<string, number>> = { b: 2, o: 8, O: 8, d: 10, x: 16, X: 16 };

const floats: Readonly<Record<string, FloatVerb>> = {
  b: 'b',
  e: 'e',
  E: 'e',
  f: 'f',
  F: 'f',
  g: 'g',
  G: 'g',
  x: 'x',
  X: 'x',
};

function integerText(verb: string, base: number, directive: Directive, value: bigint): string {
  const { width = 0, precision, plus, minus, sharp, space, zero } = directive;
  const sign = value < 0n ? '-' : plus ? '+' : space ? ' ' : '';
  if (precision === 0 && value === 0n) return ' '.repeat(width);
  const digits = (value < 0n ? -value : value).toString(base);
  const zeros = precision ?? (zero && !minus ? width - sign.length : 0);
  const long = digits.padStart(zeros, '0');
  const made = sign + prefixOf(verb, sharp, long) + long;
  return padded(verb === 'X' ? made.toUpperCase() : made, { ...directive, zero: false });
}

function prefixOf(verb: string, sharp: boolean, digits: string): string {
  const octal = sharp && !digits.startsWith('0') ? '0' : '';
  if (verb === 'O') return `0o${octal}`;
  if (verb === 'o') return octal;
  if (!sharp) return '';
  if (verb === 'b') return '0b';
  return verb === 'x' || verb === 'X' ? '0x' : '';
}

function doubleText(verb: string, float: FloatVerb, directive: Directive, value: number): string {
  const { precision, plus, space, zero, minus, width = 0 } = directive;
  const made = floatText(value, float, precision ?? (float === 'e' || float === 'f' ? 6 : undefined));
  const negative = made.startsWith('-');
  const unsigned = negative ? made.slice(1) : made;
  const sign = negative ? '-' : plus ? '+' : space ? ' ' : '';
  const long = directive.sharp && float !== 'b' ? withPoint(unsigned, verb, precision) : unsigned;
  const padding = sign !== '' && zero && !minus ? '0'.repeat(Math.max(0, width - sign.length - long.length)) : '';
  const whole = sign + padding + (verb === verb.toUpperCase() ? long.toUpperCase() : long);
  return padded(whole, directive);
}

/** `#` keeps the point, and where the verb chooses how many digits there are, zeros up to six. */
function withPoint(text: string, verb: string, precision = 6): string {
  const [number = '', exponent] = text.split(text.startsWith('0x') ? /(?=p)/ : /(?=e)/);
  const pointed = number.includes('.') ? number : `${number}.`;
  // Of 0x1.8, Go counts the x, too.
  const shown = number === '0' ? 1 : number.replace(/^0\.?0*|\./g, '').length;
  const missing = 'gGx'.includes(verb) ? Math.max(0, precision - shown) : 0;
  return pointed + '0'.repeat(missing) + (exponent ?? '');
}

const isChar = (value: number | bigint): boolean =>
  value >= 0 && value <= 0x10_ff_ff && !(value >= 0xd800 && value <= 0xdfff);

/** What is no character is shown as the one for that. */
const charOf = (value: number | bigint): string => String.fromCodePoint(isChar(value) ? Number(value) : 0xfffd);

function unicodeText({ sharp, precision = 4 }: Directive, value: number | bigint): string {
  const digits = BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase();
  const shown = sharp && isChar(value) && isPrintable(charOf(value)) ? ` '${charOf(value)}'` : '';
  return `U+${digits.padStart(Math.max(4, precision), '0')}${shown}`;
}

/** Zeros pad whatever it is, as in Go. */
export function padded(text: string, { width = 0, minus, zero }: Directive): string {
  const missing = width - codePointCount(text);
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

const isInteger = (value: NumberValue): value is number | bigint =>
  typeof value === 'bigint' || Number.isInteger(value);

const isInt64 = (value: number | bigint): boolean => BigInt.asIntN(64, BigInt(value)) === BigInt(value);
