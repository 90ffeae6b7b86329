import { compareValues, equalValues } from '../value/order.ts';
import type { Builtins } from './builtin.ts';

export const comparisonBuiltins: Builtins = {
  eq: (_context, a, b) => equalValues(a, b),
  equal: (_context, a, b) => equalValues(a, b),
  neq: (_context, a, b) => !equalValues(a, b),
  lt: (_context, a, b) => compareValues(a, b) < 0,
  lte: (_context, a, b) => compareValues(a, b) <= 0,
  gt: (_context, a, b) => compareValues(a, b) > 0,
  gte: (_context, a, b) => compareValues(a, b) >= 0,
};
