import { sortedMembers } from '../value/order.ts';
import { setOf } from '../value/set.ts';
import { isArray, isNumber, isObject, RegoSet, typeName, type Value } from '../value/value.ts';
import type { Builtin, Builtins } from './builtin.ts';
import { array, boolean, mismatch, object, text } from './operands.ts';

/** The deprecated casts: each gives what is of its type already, and fails for everything else. */
const castNull: Builtin = (_context, value) => (value === null ? null : mismatch(1, 'null', value));

const castArray: Builtin = (_context, value) => (value instanceof RegoSet ? sortedMembers(value) : array(value, 1));

const castSet: Builtin = (context, value) => {
  if (value instanceof RegoSet) return value;
  if (!isArray(value)) return mismatch(1, 'one of {array, set}', value);
  context.charge(value.length);
  return setOf(value);
};

export const typeBuiltins: Builtins = {
  is_array: (_context, value) => isArray(value),
  is_boolean: (_context, value) => typeof value === 'boolean',
  is_null: (_context, value) => value === null,
  is_number: (_context, value) => isNumber(value),
  is_object: (_context, value) => isObject(value),
  is_set: (_context, value) => value instanceof RegoSet,
  is_string: (_context, value: Value) => typeof value === 'string',
  type_name: (_context, value) => typeName(value),
  cast_array: castArray,
  cast_boolean: (_context, value) => boolean(value, 1),
  cast_null: castNull,
  cast_object: (_context, value) => object(value, 1),
  cast_set: castSet,
  cast_string: (_context, value) => text(value, 1),
};
