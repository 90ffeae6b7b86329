/** Dotted paths of the `unsafe_*` keys that are on, wherever they stand. */
export function unsafeKeys(settings: object, above = ''): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) => {
    if (key.startsWith('unsafe_')) return value === true ? [`${above}${key}`] : [];
    const isSection = typeof value === 'object' && value !== null && !(value instanceof Map) && !Array.isArray(value);
    return isSection ? unsafeKeys(value, `${above}${key}.`) : [];
  });
}
