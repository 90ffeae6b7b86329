import { isJsonObject } from '../json/json-object.ts';

/** The two dialects of JSON Schema that are understood, by what `$schema` says. */
export type Dialect = '2020-12' | 'draft-07';

const dialects: ReadonlyMap<unknown, Dialect> = new Map<unknown, Dialect>([
  [undefined, '2020-12'],
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
  ['http://json-schema.org/draft-07/schema#', 'draft-07'],
]);

export function dialectOf(schema: unknown): Dialect | undefined {
  return dialects.get(isJsonObject(schema) ? schema['$schema'] : undefined);
}

/** How a keyword that holds schemas applies them, and in what form it holds them. */
type Application = {
  /** `same`: to the value itself; `child`: to what is inside; `condition`: only asks; `never`: a place to keep them. */
  readonly to: 'same' | 'child' | 'condition' | 'never';
  readonly holds: 'one' | 'list' | 'map' | 'one-or-list';
};

export const applicators: ReadonlyMap<string, Application> = new Map<string, Application>([
  ['allOf', { to: 'same', holds: 'list' }],
  ['anyOf', { to: 'same', holds: 'list' }],
  ['oneOf', { to: 'same', holds: 'list' }],
  ['then', { to: 'same', holds: 'one' }],
  ['else', { to: 'same', holds: 'one' }],
  ['dependentSchemas', { to: 'same', holds: 'map' }],
  ['dependencies', { to: 'same', holds: 'map' }],
  ['if', { to: 'condition', holds: 'one' }],
  ['not', { to: 'condition', holds: 'one' }],
  ['contains', { to: 'child', holds: 'one' }],
  ['propertyNames', { to: 'child', holds: 'one' }],
  ['properties', { to: 'child', holds: 'map' }],
  ['patternProperties', { to: 'child', holds: 'map' }],
  ['additionalProperties', { to: 'child', holds: 'one' }],
  ['unevaluatedProperties', { to: 'child', holds: 'one' }],
  ['prefixItems', { to: 'child', holds: 'list' }],
  ['items', { to: 'child', holds: 'one-or-list' }],
  ['additionalItems', { to: 'child', holds: 'one' }],
  ['$defs', { to: 'never', holds: 'map' }],
  ['definitions', { to: 'never', holds: 'map' }],
]);

/** Keywords that ajv understands and that are refused, with what to write instead. */
export const refusedKeywords: ReadonlyMap<string, string> = new Map([
  ['nullable', 'is OpenAPI, not JSON Schema; write "type": ["string", "null"]'],
  ['discriminator', 'is OpenAPI, not JSON Schema; oneOf alone decides'],
  ['id', 'is draft-04; write "$id"'],
  ['$async', 'is an extension of ajv'],
  ['$anchor', 'is not supported; point at it as "#/$defs/name"'],
  ['$dynamicAnchor', 'is not supported; write a "$ref" to "#/$defs/name"'],
  ['$dynamicRef', 'is not supported; write a "$ref" to "#/$defs/name"'],
  ['$recursiveAnchor', 'is not supported; write a "$ref" to "#/$defs/name"'],
  ['$recursiveRef', 'is not supported; write a "$ref" to "#/$defs/name"'],
  ['$vocabulary', 'is not supported'],
  // ajv counts items as evaluated that a failed branch looked at, and all of them beside `contains`.
  ['unevaluatedItems', 'is not supported; write "items": false beside "prefixItems", in each branch'],
]);
