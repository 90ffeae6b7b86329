import { isArray, RegoMap, RegoSet, type Value } from '../../value/value.ts';

/** What is not worth remembering. */
const small = 16;

/** The weights of frozen values, which are data and constants; they go when the data goes. */
const known = new WeakMap<object, number>();

/** The steps it takes to read a whole value once: one for each value in it, and for every 64 characters of text. */
export function weigh(value: Value | undefined): number {
  if (typeof value === 'string') return 1 + (value.length >>> 6);
  if (typeof value === 'bigint') return bigintSteps(value);
  if (typeof value !== 'object' || value === null) return 1;
  return known.get(value) ?? weighComposite(value);
}

function weighComposite(value: Exclude<Value, null | boolean | number | bigint | string>): number {
  let steps = 1;
  if (isArray(value)) for (const item of value) steps += weigh(item);
  else if (value instanceof RegoSet) for (const item of value.members.values()) steps += weigh(item);
  else if (value instanceof RegoMap)
    for (const [key, item] of value.members.values()) steps += weigh(key) + weigh(item);
  else for (const name of Object.keys(value)) steps += 1 + (name.length >>> 6) + weigh(value[name]);
  if (steps > small && Object.isFrozen(value)) known.set(value, steps);
  return steps;
}

/** An integer of 64 bits or less is as good as a double; the cost of a longer one is its length. */
function bigintSteps(value: bigint): number {
  return BigInt.asIntN(64, value) === value ? 1 : 1 + (value.toString(16).length >>> 4);
}
