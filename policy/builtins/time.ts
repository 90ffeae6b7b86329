import type { Builtin } from './builtin.ts';

/**
 * `time.now_ns` is the request's time from the input, not the clock: the same input then decides the same way, and a
 * decision can be repeated from its audit record.
 */
const nowNs: Builtin = (_args, { unixMs }) => {
  if (unixMs === undefined || !Number.isSafeInteger(unixMs)) return undefined;
  return String(BigInt(unixMs) * 1_000_000n);
};

export const timeBuiltins: readonly (readonly [string, Builtin])[] = [['time.now_ns', nowNs]];
