import { EvaluationError } from '../../engine.ts';
import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { jsonText } from '../../value/text.ts';
import { isArray, RegoMap, RegoSet, type Value } from '../../value/value.ts';

/** An answer is small; what is larger than this would cost more to read than to decide. */
export const maxResultSize = 1024 * 1024;

type Room = { left: number };

/** A result with the types of JSON only: sets are sorted arrays, keys are text; integers beyond 2^53 stay bigints. Throws EvaluationError. */
export function plainJson(value: Value): unknown {
  try {
    return plain(value, { left: maxResultSize });
  } catch (cause) {
    // Only a plan that OPA did not make has a value that holds itself.
    if (cause instanceof RangeError) throw new EvaluationError('the result is nested too deeply', { cause });
    throw cause;
  }
}

function plain(value: Value | undefined, room: Room): unknown {
  room.left -= typeof value === 'string' ? value.length : 16;
  if (room.left < 0) throw new EvaluationError(`the result is larger than ${maxResultSize} bytes`);
  // A variable that nothing has set, which a plan of OPA's should not have: OPA's WebAssembly gives no value here either.
  if (value === undefined) throw new EvaluationError('the result holds something undefined');
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) return value.map((item) => plain(item, room));
  if (value instanceof RegoSet) return sortedMembers(value).map((item) => plain(item, room));
  const result: Record<string, unknown> = {};
  if (value instanceof RegoMap) {
    // In order: of two keys with one text, such as 1 and "1", the last counts, as in OPA.
    for (const [key, item] of sortedEntries(value))
      put(result, typeof key === 'string' ? key : jsonText(key), item, room);
  } else {
    for (const name of Object.keys(value)) put(result, name, value[name] as Value, room);
  }
  return result;
}

function put(result: Record<string, unknown>, name: string, value: Value, room: Room): void {
  room.left -= name.length;
  const item = plain(value, room);
  if (name === '__proto__')
    Object.defineProperty(result, name, { value: item, enumerable: true, configurable: true, writable: true });
  else result[name] = item;
}
