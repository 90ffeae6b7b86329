import { EvaluationError } from '../engine.ts';
import { compareValues } from '../value/order.ts';
import { readValue, ValueTextError } from '../value/read-text.ts';
import { RegoSet, type Value } from '../value/value.ts';
import { maxResultSize, plainJson } from './plan/plain-json.ts';
import { quickResult } from './quick-result.ts';

/**
 * Reads the result set, which OPA's WebAssembly gives as a set in the notation of `value/text.ts`, as the JSON that OPA
 * answers with: sets are sorted arrays, keys that are no strings become their JSON text. Integers beyond 2^53 - 1 are
 * bigints, decimals that no double holds RegoDecimals. Throws EvaluationError.
 */
export function readResult(text: string): unknown {
  if (text === 'set()') return [];
  if (text.length > maxResultSize) throw new EvaluationError(`the result is larger than ${maxResultSize} bytes`);
  const quick = quickResult(text);
  if (quick !== undefined) return quick;
  try {
    return plainJson(readValue(text, inOrder));
  } catch (cause) {
    if (cause instanceof ValueTextError) throw new EvaluationError(`the result is ${cause.message}`, { cause });
    if (cause instanceof RangeError) throw new EvaluationError('the result is nested too deeply', { cause });
    throw cause;
  }
}

/**
 * Of a set in a result nothing is asked but its order. Its members, which OPA has found to be distinct, get no keys: the
 * key of an object is its whole text.
 */
function inOrder(members: Value[]): RegoSet {
  const set = new RegoSet();
  set.sorted = members.length > 1 ? members.sort(compareValues) : members;
  return set;
}
