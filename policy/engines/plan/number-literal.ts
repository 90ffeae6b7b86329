import { integer, numberOf, wholeNumber } from '../../value/number.ts';

/** A number that a policy names: exact when it is an integer in whatever notation (1e30, 1.5e3), which OPA computes with. */
export function readNumber(text: string): number | bigint | undefined {
  const whole = wholeNumber(text);
  return whole === undefined ? numberOf(text) : integer(whole);
}
