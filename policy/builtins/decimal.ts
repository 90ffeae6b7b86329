import { Decimal } from 'decimal.js';
import { integer } from '../value/number.ts';
import type { BuiltinContext } from './builtin.ts';
import { chargeForSize } from './large-integer.ts';

/**
 * Decimal arithmetic for numbers with a fraction: 0.1 + 0.2 is 0.3 in Rego. More digits than OPA keeps (64 bits, which
 * are 20), and few enough that no operand makes an operation slow.
 */
const Exact = Decimal.clone({ precision: 40 });

export type Operation = 'plus' | 'minus' | 'times' | 'dividedBy';

/** A double stands for the shortest decimal that reads back as it, which is what the policy or the input said. */
export function decimal(
  context: BuiltinContext,
  operation: Operation,
  a: number | bigint,
  b: number | bigint,
): number | bigint {
  chargeForSize(context, a, b);
  const result = new Exact(String(a))[operation](String(b));
  // Only an integer can be beyond a double: the operands are doubles and integers.
  return result.isInteger() ? integer(BigInt(result.toFixed())) : result.toNumber();
}
