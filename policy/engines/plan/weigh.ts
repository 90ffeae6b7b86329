import { isArray, RegoDecimal, RegoMap, RegoSet, type Value } from '../../value/value.ts';

/** What is not worth remembering. */
const small = 4;

/** The weights of frozen values, which are data and constants; they go when the data goes. */
const known = new WeakMap<object, number>();

/** Text that takes about as long to read, or to write, as one value. */
export const charactersPerStep = 16;

/**
 * The steps it takes to read a whole value once, as far as `limit`: values that share their parts can be far larger than
 * the memory they take, so that counting them must end as well.
 */
export function weigh(value: Value | undefined, limit: number): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / charactersPerStep);
  if (typeof value === 'bigint') return bigintSteps(value);
  if (typeof value !== 'object' || value === null) return 1;
  return known.get(value) ?? weighComposite(value, limit);
}

/** Texts up to this length are compared without being paid for: it takes less than a step. */
export const shortText = 256;

/** The steps it takes to compare a text, or an integer, that has an equal: what is longer than a step can read. */
export function compareSteps(value: string | bigint): number {
  return typeof value === 'string' ? value.length >>> 8 : bigintSteps(value);
}

/** How many times longer it takes to write a value as text than to read it. */
const textFactor = 8;

/** The steps it takes to make the key of a value. That of a frozen value is made once: see `value/key.ts`. */
export function weighKey(value: Exclude<Value, string | number | bigint | boolean | null>, limit: number): number {
  if (known.has(value)) return 2;
  const steps = weighComposite(value, limit / textFactor);
  return known.has(value) ? 2 : textFactor * steps;
}

function weighComposite(value: Exclude<Value, null | boolean | number | bigint | string>, limit: number): number {
  let steps = 1;
  if (value instanceof RegoDecimal) return 1 + Math.floor(String(value).length / charactersPerStep);
  if (isArray(value)) {
    for (const item of value) if ((steps += weigh(item, limit - steps)) > limit) return steps;
  } else if (value instanceof RegoSet) {
    for (const item of value.members.values()) if ((steps += weigh(item, limit - steps)) > limit) return steps;
  } else if (value instanceof RegoMap) {
    for (const [key, item] of value.members.values()) {
      if ((steps += weigh(key, limit - steps) + weigh(item, limit - steps)) > limit) return steps;
    }
  } else {
    for (const name of Object.keys(value)) {
      steps += 1 + Math.floor(name.length / charactersPerStep);
      if ((steps += weigh(value[name], limit - steps)) > limit) return steps;
    }
  }
  if (steps > small && Object.isFrozen(value)) known.set(value, steps);
  return steps;
}

/** Its 64-bit words, to the next power of two: asking for the exact length would write it as text. */
function bigintSteps(value: bigint): number {
  let words = 1;
  while (BigInt.asIntN(64 * words, value) !== value) words *= 2;
  return words;
}
