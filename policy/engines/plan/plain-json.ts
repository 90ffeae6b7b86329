import { EvaluationError } from '../../engine.ts';
import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { jsonText } from '../../value/text.ts';
import { isArray, type PlainObject, RegoDecimal, RegoMap, RegoSet, type Value } from '../../value/value.ts';

/** An answer is small; what is larger than this would cost more to read than to decide. */
export const maxResultSize = 1024 * 1024;

type Room = { left: number };

/** A result with the types of JSON only: sets are sorted arrays, keys are text; integers beyond 2^53 stay bigints, decimals RegoDecimals. Throws EvaluationError. */
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
  if (typeof value !== 'object' || value === null || value instanceof RegoDecimal) return value;
  if (isArray(value)) return plainItems(value, room);
  if (value instanceof RegoSet) return plainItems(sortedMembers(value), room).slice();
  return value instanceof RegoMap ? plainMap(value, room) : plainMembers(value, room);
}

/*
 * What is plain already stays where it is: nothing ever changes a value. Copying each answer whole took a fifth of a
 * decision.
 */

function plainItems(items: readonly Value[], room: Room): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const made = plain(item, room);
    if (made !== item) (copy ??= items.slice())[index] = made;
  }
  return copy ?? items;
}

function plainMembers(object: PlainObject, room: Room): PlainObject | Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  // Own members: an object of JSON inherits nothing that can be listed (`member-names.ts`).
  for (const name in object) {
    room.left -= name.length;
    const item = object[name];
    const made = plain(item, room);
    // A member that is there already is changed by assigning, even if its name is `__proto__`.
    if (made !== item) (copy ??= { ...object })[name] = made;
  }
  return copy ?? object;
}

function plainMap(map: RegoMap, room: Room): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  // In order: of two keys with one text, such as 1 and "1", the last counts, as in OPA.
  for (const [key, item] of sortedEntries(map)) put(result, typeof key === 'string' ? key : jsonText(key), item, room);
  return result;
}

function put(result: Record<string, unknown>, name: string, value: Value, room: Room): void {
  room.left -= name.length;
  const item = plain(value, room);
  if (name === '__proto__')
    Object.defineProperty(result, name, { value: item, enumerable: true, configurable: true, writable: true });
  else result[name] = item;
}
