import { Members } from './members.ts';

/**
 * A Rego value. What JSON can say is its plain JavaScript value, so that input and data are read where they lie:
 *
 * - a number is a `number`; a `bigint` when it is an integer beyond 2^53 - 1; and a RegoDecimal when neither holds it:
 *   1e400, 1e-400, 0.1234567890123456789. One number has one form, but that JSON.parse makes doubles of large integers;
 * - an object whose keys are all strings is a plain object (read own members only: a key may be `__proto__`), any other
 *   object a RegoMap;
 * - a set is a RegoSet.
 *
 * `undefined` is not a value but Rego's undefined. A value never changes once something else can see it.
 */
export type Value = null | boolean | NumberValue | string | readonly Value[] | PlainObject | RegoMap | RegoSet;

export type NumberValue = number | bigint | RegoDecimal;

/** What stands for a value in a JavaScript Map (`keyOf`): two values have one key exactly when they are equal in Rego. */
export type Key = null | boolean | number | bigint | string;

/** A set. `set.ts` reads and builds it. */
export class RegoSet {
  readonly members = new Members<Key, Value>();
  /** Kept by `order.ts`. */
  sorted: readonly Value[] | undefined = undefined;
}

/** An object with at least one key that is not a string. `object.ts` reads and builds it. */
export class RegoMap {
  readonly members = new Map<Key, Entry>();
  /** Kept by `order.ts`. */
  sorted: readonly Entry[] | undefined = undefined;
}

/** An exact decimal; `decimal.ts` reads and computes it. Its text is its value: equal numbers have equal text. */
export class RegoDecimal {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** As JSON writes it. Methods have the names that every object's have, or JSON gives a meaning: `member` finds no function. */
  toString(): string {
    return this.#text;
  }

  /** As with a bigint: what JSON.stringify made of it would be another value. */
  toJSON(): never {
    throw new TypeError(`JSON.stringify does not write ${this.#text}`);
  }
}

export type Entry = readonly [key: Value, value: Value];
export type PlainObject = { readonly [name: string]: Value };
export type ObjectValue = PlainObject | RegoMap;

export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | 'set';

/** The name that Rego's `type_name` gives. */
export function typeName(value: Value): TypeName {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof RegoSet) return 'set';
  const type = typeof value;
  if (type === 'bigint' || value instanceof RegoDecimal) return 'number';
  return type as 'boolean' | 'number' | 'string' | 'object';
}

export const isArray = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

export const isSet = (value: Value | undefined): value is RegoSet => value instanceof RegoSet;

export function isObject(value: Value | undefined): value is ObjectValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof RegoSet) && !(value instanceof RegoDecimal);
}

/** What has no parts. */
export const isScalar = (value: Value): value is null | boolean | NumberValue | string =>
  typeof value !== 'object' || value === null || value instanceof RegoDecimal;

export const isNumber = (value: Value | undefined): value is NumberValue =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof RegoDecimal;
