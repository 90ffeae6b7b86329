/** Freezes a tree of plain values, and the maps in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) sealMap(value);
  for (const inside of value instanceof Map ? value.values() : Object.values(value)) deepFreeze(inside);
  return Object.freeze(value);
}

/** `Object.freeze` leaves the entries of a Map open. Own methods that refuse close them, and do not hinder a structured clone. */
function sealMap(map: ReadonlyMap<unknown, unknown>): void {
  const refuse = () => {
    throw new TypeError('this map is a part of a frozen configuration');
  };
  for (const method of ['set', 'delete', 'clear']) Object.defineProperty(map, method, { value: refuse });
}
