import { compareStrings, sortedEntries, sortedMembers } from '../../value/order.ts';
import { valueText } from '../../value/text.ts';
import { isArray, isNumber, isSet, type Value } from '../../value/value.ts';
import { fail } from './tokens.ts';

/**
 * What a template works on: Go's values for JSON. A number of the data is its text, as Go's json.Number is; only a literal
 * of the template is a number. `undefined` is a member that there is not.
 */
export type Data = undefined | null | boolean | number | string | readonly Data[] | ReadonlyMap<string, Data>;

export function dataOf(value: Value): Data {
  if (isNumber(value)) return valueText(value);
  if (value === null || typeof value !== 'object') return value;
  if (isArray(value)) return value.map(dataOf);
  if (isSet(value)) return sortedMembers(value).map(dataOf);
  return new Map(
    sortedEntries(value).map(([key, part]) => [typeof key === 'string' ? key : valueText(key), dataOf(part)]),
  );
}

export const isMap = (data: Data): data is ReadonlyMap<string, Data> => data instanceof Map;
export const isList = (data: Data): data is readonly Data[] => Array.isArray(data);

export function isTrue(data: Data): boolean {
  if (isMap(data)) return data.size > 0;
  return isList(data) ? data.length > 0 : Boolean(data);
}

/** As `fmt.Print` writes it. */
export function printed(data: Data): string {
  return data === undefined || data === null ? '<no value>' : inner(data);
}

function inner(data: Data): string {
  if (isMap(data)) return `map[${[...data].map(([key, value]) => `${key}:${inner(value)}`).join(' ')}]`;
  if (isList(data)) return `[${data.map(inner).join(' ')}]`;
  return data === null || data === undefined ? '<nil>' : String(data);
}

type Function = (...operands: readonly Data[]) => Data;

/** Operands of one type only, as in Go. */
function order(a: Data, b: Data): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return fail('incompatible types for comparison');
}

function equal(first: Data, ...others: readonly Data[]): boolean {
  if (others.length === 0) return fail('missing operand');
  return others.map((other) => equalPair(first, other)).includes(true);
}

function equalPair(a: Data, b: Data): boolean {
  if (isMap(a) || isMap(b) || isList(a) || isList(b)) return fail('non-comparable type');
  if (typeof a === typeof b || a === null || b === null || a === undefined || b === undefined)
    return (a ?? null) === (b ?? null);
  return fail('incompatible types for comparison');
}

function length(data: Data): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (isList(data)) return data.length;
  return isMap(data) ? data.size : fail('len of a value without a length');
}

function index(data: Data, ...keys: readonly Data[]): Data {
  let found = data;
  for (const key of keys) {
    if (isMap(found) && typeof key === 'string') found = found.get(key);
    else if (isList(found) && typeof key === 'number' && key >= 0 && key < found.length) found = found[key];
    else return fail('index of what is not there');
  }
  return found;
}

const binary =
  (decide: (a: Data, b: Data) => boolean): Function =>
  (...operands) =>
    operands.length === 2 ? decide(operands[0], operands[1]) : fail('wrong number of operands');

/** Those that take every operand; `and` and `or` stop at the first that settles it. */
export const functions: ReadonlyMap<string, Function> = new Map<string, Function>([
  ['eq', equal],
  ['ne', binary((a, b) => !equalPair(a, b))],
  ['lt', binary((a, b) => order(a, b) < 0)],
  ['le', binary((a, b) => order(a, b) <= 0)],
  ['gt', binary((a, b) => order(a, b) > 0)],
  ['ge', binary((a, b) => order(a, b) >= 0)],
  ['not', (...operands) => (operands.length === 1 ? !isTrue(operands[0]) : fail('wrong number of operands'))],
  ['len', (...operands) => (operands.length === 1 ? length(operands[0]) : fail('wrong number of operands'))],
  [
    'index',
    (...operands) => (operands.length > 0 ? index(operands[0], ...operands.slice(1)) : fail('missing operand')),
  ],
]);
