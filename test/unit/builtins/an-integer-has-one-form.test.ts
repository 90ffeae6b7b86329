import { test } from 'tap';
import { integer } from '../../../policy/value/number.ts';

test('a bigint is made of no integer that a double holds exactly', async (t) => {
  // Half of the range was missed once: what BigInt.asIntN(53) keeps ends at 2^52.
  for (const value of [0n, 2n ** 52n, 5_270_400_000_000_000n, 2n ** 53n - 1n]) {
    t.equal(integer(value), Number(value));
    t.equal(integer(-value), -Number(value) + 0);
  }
  for (const value of [2n ** 53n, 2n ** 63n]) {
    t.equal(integer(value), value);
    t.equal(integer(-value), -value);
  }
});
