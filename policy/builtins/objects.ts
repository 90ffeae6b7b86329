import { entriesOf, insert, member, objectOf, sizeOf } from '../value/object.ts';
import { partOf } from '../value/part.ts';
import { has, setOf } from '../value/set.ts';
import { isArray, isObject, type ObjectValue, RegoSet, type Value } from '../value/value.ts';
import type { Builtin, BuiltinContext, Builtins } from './builtin.ts';
import { array, mismatch, object } from './operands.ts';

/** A path is an array; an object with arrays for keys cannot be asked for one of those. */
const get: Builtin = (_context, value, path, otherwise) => {
  let found: Value | undefined = object(value, 1);
  for (const key of isArray(path) ? path : [path]) {
    found = partOf(found, key);
    if (found === undefined) return otherwise;
  }
  return found;
};

const keys: Builtin = (context, value) => {
  const from = object(value, 1);
  context.charge(3 * sizeOf(from));
  return setOf(entriesOf(from).map(([key]) => key));
};

/** Keys are given as an array, a set, or the keys of an object. */
function keysIn(context: BuiltinContext, value: Value): RegoSet {
  if (value instanceof RegoSet) return value;
  const given = isArray(value)
    ? value
    : isObject(value)
      ? entriesOf(value).map(([key]) => key)
      : mismatch(2, 'one of {object, set, array}', value);
  context.charge(given.length);
  return setOf(given);
}

const remove: Builtin = (context, value, unwanted) => {
  const from = object(value, 1);
  const without = keysIn(context, unwanted);
  context.charge(sizeOf(from));
  return objectOf(entriesOf(from).filter(([key]) => !has(without, key)));
};

const filter: Builtin = (context, value, wanted) => {
  const from = object(value, 1);
  const kept: (readonly [Value, Value])[] = [];
  for (const key of keysIn(context, wanted).members.values()) {
    const found = member(from, key);
    if (found !== undefined) kept.push([key, found]);
  }
  context.charge(kept.length);
  return objectOf(kept);
};

/** The right one wins, except where both have objects: those are united in turn. */
function unite(context: BuiltinContext, a: ObjectValue, b: ObjectValue): ObjectValue {
  const [left, right] = [sizeOf(a), sizeOf(b)];
  if (left === 0) return b;
  if (right === 0) return a;
  context.charge(left + right);
  return new Union(context).add(a).add(b).result;
}

/** Unites any number of objects in the time of the sum of their sizes: an object that it has made itself, it changes. */
class Union {
  readonly #context: BuiltinContext;
  readonly #own = new Set<Value>();
  result: ObjectValue = {};

  constructor(context: BuiltinContext) {
    this.#context = context;
    this.#own.add(this.result);
  }

  add(from: ObjectValue): this {
    this.result = this.#merge(this.result, from);
    return this;
  }

  #merge(into: ObjectValue, from: ObjectValue): ObjectValue {
    this.#context.charge(sizeOf(from));
    let target = this.#own.has(into) ? into : this.#copy(into);
    for (const [key, value] of entriesOf(from)) {
      const before = member(target, key);
      const both = before !== undefined && isObject(before) && isObject(value);
      target = insert(target, key, both ? this.#merge(before, value) : value);
    }
    this.#own.add(target);
    return target;
  }

  #copy(value: ObjectValue): ObjectValue {
    this.#context.charge(sizeOf(value));
    return objectOf(entriesOf(value));
  }
}

const unionN: Builtin = (context, values) => {
  const union = new Union(context);
  for (const part of array(values, 1)) union.add(isObject(part) ? part : mismatch(1, 'array of objects', part));
  return union.result;
};

export const objectBuiltins: Builtins = {
  'object.filter': filter,
  'object.get': get,
  'object.keys': keys,
  'object.remove': remove,
  'object.union': (context, a, b) => unite(context, object(a, 1), object(b, 2)),
  'object.union_n': unionN,
};
