import { sortedMembers } from '../value/order.ts';
import {
  isArray,
  isNumber,
  isObject,
  type NumberValue,
  type ObjectValue,
  RegoSet,
  typeName,
  type Value,
} from '../value/value.ts';
import { BuiltinError } from './builtin.ts';

/*
 * Operands by type. `position` counts from 1 and is for the message. Each throws BuiltinError for a value of another type:
 * OPA's compiler finds most of these, but what comes out of input and data has any type.
 */

export function text(value: Value | undefined, position: number): string {
  return typeof value === 'string' ? value : mismatch(position, 'string', value);
}

export function number(value: Value | undefined, position: number): NumberValue {
  return isNumber(value) ? value : mismatch(position, 'number', value);
}

/** An integer that a double holds exactly: an index, a count, a width. */
export function integer(value: Value | undefined, position: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (!isNumber(value)) return mismatch(position, 'number', value);
  throw new BuiltinError(`operand ${position} must be integer number but got floating-point number`);
}

/** An integer to compare with a length: like OPA's, 64 bits long, of which a double is near enough. */
export function index(value: Value | undefined, position: number): number {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? Number(value) : integer(value, position);
}

export function boolean(value: Value | undefined, position: number): boolean {
  return typeof value === 'boolean' ? value : mismatch(position, 'boolean', value);
}

export function array(value: Value | undefined, position: number): readonly Value[] {
  return isArray(value) ? value : mismatch(position, 'array', value);
}

/** The strings in an array, or in a set in its order. */
export function texts(value: Value, position: number): readonly string[] {
  const items = value instanceof RegoSet ? sortedMembers(value) : value;
  if (!isArray(items)) return mismatch(position, 'one of {set, array}', value);
  for (const item of items) if (typeof item !== 'string') return mismatch(position, 'collection of strings', item);
  return items as readonly string[];
}

export function object(value: Value | undefined, position: number): ObjectValue {
  return isObject(value) ? value : mismatch(position, 'object', value);
}

export function set(value: Value | undefined, position: number): RegoSet {
  return value instanceof RegoSet ? value : mismatch(position, 'set', value);
}

export function mismatch(position: number, wanted: string, value: Value | undefined): never {
  const found = value === undefined ? 'nothing' : typeName(value);
  throw new BuiltinError(`operand ${position} must be ${wanted} but got ${found}`);
}
