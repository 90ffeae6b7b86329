import { integer, numberOf } from '../../value/number.ts';
import type { NumberValue } from '../../value/value.ts';

/*
 * What a plain scalar means to the YAML library of Go that OPA uses: YAML 1.2 without the booleans of 1.1 (`on` is a
 * string), but with its octal 0777 and its 1_000. A time stamp stays a string.
 */

export type ScalarValue = null | boolean | NumberValue | string;

const words: ReadonlyMap<string, null | boolean | number> = new Map<string, null | boolean | number>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

const integerNotation = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const floatNotation = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** May be infinite or NaN, which Rego has no value for. */
export function resolvePlain(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  // As Go, which looks for digits only behind these.
  if (!/^[-+.0-9]/.test(text) || text.length > maxDigits) return text;
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '');
  const whole = readInteger(digits);
  if (whole !== undefined) return whole;
  const float = floatNotation.test(digits) ? Number(digits) : Number.NaN;
  // In OPA a float becomes JSON before it becomes a number of Rego.
  return Number.isFinite(float) ? (numberOf(String(float)) ?? text) : text;
}

const maxDigits = 1_000;

/** Of 64 bits; a longer decimal one is a float and any other a string. */
function readInteger(digits: string): NumberValue | undefined {
  const [, sign, hexadecimal, binary, octal, decimal] = integerNotation.exec(digits) ?? [];
  if (sign === undefined) return undefined;
  const magnitude = BigInt(
    decimal ??
      (hexadecimal === undefined ? (binary === undefined ? `0o${octal ?? ''}` : `0b${binary}`) : `0x${hexadecimal}`),
  );
  if (sign === '-') return magnitude <= 1n << 63n ? integer(-magnitude) : undefined;
  return magnitude < 1n << (sign === '+' ? 63n : 64n) ? integer(magnitude) : undefined;
}

/** Words that were booleans in YAML 1.1, and numbers to base 60: quoted, so that an old reader takes them for strings. */
const formerNotation =
  /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$/;

/** Whether a string may be written without quotes. */
export function readsAsString(text: string): boolean {
  if (text === '<<' || formerNotation.test(text)) return false;
  if (/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]|^(?:---|\.\.\.)/.test(text)) return false;
  return typeof resolvePlain(text) === 'string' && !isTimestamp(text);
}

function isTimestamp(text: string): boolean {
  return /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt ]+[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2})/.test(text);
}
