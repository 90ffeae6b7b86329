import { EvaluationError } from '../../engine.ts';
import { keyOf } from '../../value/key.ts';
import { equalValues } from '../../value/order.ts';
import { copyOf, insert, member } from '../../value/object.ts';
import { add, filtered } from '../../value/set.ts';
import { isArray, isObject, isSet, type ObjectValue, RegoMap, RegoSet, type Value } from '../../value/value.ts';
import { callee } from './callee.ts';
import { merge, upsert } from './documents.ts';
import { firstAfter, isIndexed, positionsOf } from './element-index.ts';
import { items } from './items.ts';
import { chargeKey, chargeReading, type Meter } from './meter.ts';
import { compareSteps } from './weigh.ts';

/*
 * What the statements of a plan do beyond one line of JavaScript. Undefined stands for Rego's undefined throughout: a
 * local that was never set, or a member that is not there.
 */

export type Maybe = Value | undefined;

/** A name that an object did not have: each gives it a new shape until it has many. */
const newMemberSteps = 12;

/** Everything that generated code calls, bound to the meter of its module. */
export function runtimeOf(meter: Meter) {
  const { charge } = meter;

  /** The member of an object under a key, of an array at an index, or of a set when it has the key. */
  function dot(source: Maybe, key: Value): Maybe {
    if (typeof source !== 'object' || source === null) return undefined;
    // Of an array only an index is read: "0" and "length" are no members.
    if (isArray(source)) return typeof key === 'number' ? source[key] : undefined;
    // The key of a composite is its text.
    chargeKey(meter, key);
    if (source instanceof RegoSet) return source.members.get(keyOf(key));
    // A RegoDecimal has no members of its own.
    return member(source as ObjectValue, key);
  }

  /** What reading a property does not find: members of a set, and of an object with keys that are not all strings. */
  function other(source: Maybe, key: string): Maybe {
    if (source instanceof RegoMap || source instanceof RegoSet) return dot(source, key);
    return undefined;
  }

  function equal(a: Maybe, b: Maybe): boolean {
    if (typeof a === 'string' || typeof a === 'bigint') charge(compareSteps(a));
    if (a === b) return true;
    if (a === undefined || b === undefined || typeof a === 'string') return false;
    if (typeof b === 'object') chargeReading(meter, a);
    return equalValues(a, b);
  }

  function addTo(set: RegoSet, value: Value): void {
    chargeKey(meter, value);
    add(set, value);
  }

  function insertInto(object: ObjectValue, key: Value, value: Value): ObjectValue {
    chargeKey(meter, key);
    return insert(object, key, value);
  }

  /** A key may be given twice only with equal values. */
  function insertOnce(object: ObjectValue, key: Value, value: Value, file: string, row: number, col: number) {
    const before = dot(object, key);
    if (before === undefined) {
      charge(newMemberSteps);
      return insert(object, key, value);
    }
    if (equal(before, value)) return object;
    throw new EvaluationError(`${placeText(file, row, col)}eval_conflict_error: object keys must be unique`);
  }

  /** Is the value an element of the array, a member of the set, a value of the object? Undefined: not decided here. */
  function isIn(value: Value, collection: Value): boolean | undefined {
    if (collection instanceof RegoSet) {
      chargeKey(meter, value);
      return collection.members.has(keyOf(value));
    }
    if (typeof value !== 'string' || !isArray(collection)) return undefined;
    charge((collection.length >>> 4) + collection.length * compareSteps(value));
    return collection.includes(value);
  }

  return {
    RegoSet,
    isArray: Array.isArray,
    isObject,
    isSet,
    dot,
    other,
    equal,
    isIn,
    items: (source: Maybe) => items(source, charge),
    add: addTo,
    insert: insertInto,
    insertOnce,
    merge: (a: Maybe, b: Maybe) => merge(a, b, charge),
    upsert: (root: Maybe, path: readonly string[], value: Value) => upsert(root, path, value, charge),
    lengthOf,
    callee,
    own,
    ownCopy: (owned: Set<unknown>, value: Maybe) => ownCopy(owned, value, meter),
    conflict,
    isIndexed,
    positionsOf,
    firstAfter,
  };
}

function conflict(file: string, row: number, col: number): never {
  const problem = 'eval_conflict_error: complete rules must not produce multiple outputs';
  throw new EvaluationError(`${placeText(file, row, col)}${problem}`);
}

const placeText = (file: string, row: number, col: number): string => (row === 0 ? '' : `${file}:${row}:${col}: `);

/** The length of a collection; of a text in bytes, as in OPA's WebAssembly. */
function lengthOf(source: Maybe): number {
  if (typeof source === 'string') return Buffer.byteLength(source);
  if (isArray(source)) return source.length;
  if (source instanceof RegoSet || source instanceof RegoMap) return source.members.size;
  return isObject(source) ? Object.keys(source).length : 0;
}

/** Remembers a collection that the running call has made and may therefore change. */
function own<T extends object>(owned: Set<unknown>, made: T): T {
  owned.add(made);
  return made;
}

function ownCopy(owned: Set<unknown>, value: Maybe, meter: Meter): Maybe {
  if (owned.has(value) || value === undefined) return value;
  chargeReading(meter, value);
  if (isArray(value)) return own(owned, [...value]);
  if (isObject(value)) return own(owned, copyOf(value));
  if (!(value instanceof RegoSet)) throw new EvaluationError('eval_conflict_error: object keys must be unique');
  return own(
    owned,
    filtered(value, () => true),
  );
}
