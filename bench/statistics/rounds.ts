import { max, median, min, quantileSorted, sampleWithReplacement } from 'simple-statistics';

/** Over the rounds of one subject: the middle one, and how far they lie apart. */
export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** Of at least one value. */
export function spread(values: readonly number[]): Spread {
  return { median: median([...values]), min: min([...values]), max: max([...values]) };
}

export type RatioInterval = { readonly ratio: number; readonly low: number; readonly high: number };

export const confidence = 0.99;
export const resamples = 2000;

/**
 * Below this the interval cannot be one of 99 %: with five rounds on each side, samples of the same origin lie wholly apart in
 * 2 of the 252 ways to divide them, 0.8 %; with four it is 2 of 70.
 */
export const fewestRounds = 5;

/**
 * The ratio of two medians with its percentile bootstrap interval (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3):
 * rounds are drawn again with replacement, on each side by itself. Nothing is assumed of how they are distributed. The same rounds
 * always have the same interval. Undefined with too few rounds, and where a value is zero.
 */
export function ratioInterval(before: readonly number[], after: readonly number[]): RatioInterval | undefined {
  if (Math.min(before.length, after.length) < fewestRounds || [...before, ...after].includes(0)) return undefined;
  const random = randomFrom(0x9e3779b9);
  const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
  const drawn = (values: number[]) => median(sampleWithReplacement(values, values.length, random));
  // Sorted first, so that the order of the rounds means nothing.
  const [a, b] = [ascending(before), ascending(after)];
  const ratios = ascending(Array.from({ length: resamples }, () => drawn(b) / drawn(a)));
  const tail = (1 - confidence) / 2;
  return {
    ratio: median([...after]) / median([...before]),
    low: quantileSorted(ratios, tail),
    high: quantileSorted(ratios, 1 - tail),
  };
}

/** Numbers from 0 to 1 that are the same for the same seed: mulberry32 by Tommy Ettinger, in the public domain. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
