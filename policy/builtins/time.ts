import type { Builtin, Builtins } from './builtin.ts';

/**
 * `time.now_ns` is the request's time from the input, not the clock: the same input then decides the same way, and a
 * decision can be repeated from its audit record.
 */
const nowNs: Builtin = ({ unixMs }) => {
  if (unixMs === undefined || !Number.isSafeInteger(unixMs)) return undefined;
  return BigInt(unixMs) * 1_000_000n;
};

export const timeBuiltins: Builtins = { 'time.now_ns': nowNs };
