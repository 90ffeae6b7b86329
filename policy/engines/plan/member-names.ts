import { RegoDecimal, RegoMap, RegoSet } from '../../value/value.ts';

/** Everything that a value can inherit from, and the classes whose own properties are no members of a value. */
const prototypes: readonly object[] = [
  Object.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  Boolean.prototype,
  BigInt.prototype,
  new RegoSet(),
  new RegoMap(),
  new RegoDecimal(''),
];

/**
 * True for a name that `value?.[name]` finds on a plain object only when it is a member, and on any other value not at
 * all: no property of a built-in prototype, and no index of an array or a string.
 */
export function isPlainMember(name: string): boolean {
  return !/^\d+$/.test(name) && !prototypes.some((prototype) => name in prototype);
}

/**
 * True while the prototypes are as JavaScript made them. Code that has been tricked into assigning to `__proto__`
 * anywhere in the process would otherwise add a member to every input: no decision is made then.
 */
export function prototypesAreClean(): boolean {
  let inherited = 0;
  for (const name in probe) inherited += 1 + name.length;
  return inherited === 0;
}

/** Has no members of its own; inherits what every array and every object does. */
const probe: object = Object.freeze([]);
