import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const match = (document: Value, schema: Value) =>
  call('json.match_schema', document, schema) as readonly [boolean, readonly Value[]];
const isValidSchema = (schema: Value) => (call('json.verify_schema', schema) as readonly Value[])[0];

test('a fault is told as OPA tells it', async (t) => {
  t.same(match({ id: 'foo' }, { properties: { id: { type: 'integer' } } }), [
    false,
    [
      {
        error: 'id: Invalid type. Expected: integer, given: string',
        type: 'invalid_type',
        field: 'id',
        desc: 'Invalid type. Expected: integer, given: string',
      },
    ],
  ]);
  const descriptions = match(
    { a: { 'b/c': 3 }, x: 1 },
    {
      required: ['id'],
      properties: { a: { properties: { 'b/c': { enum: [1, 'two'] } } } },
      patternProperties: { '^x': { minimum: 2 } },
    },
  )[1] as readonly { readonly error: string }[];
  t.same(descriptions.map(({ error }) => error).sort(), [
    '(Root): id is required',
    'a.b/c: a.b/c must be one of the following: 1, "two"',
    'x: Must be greater than or equal to 2',
  ]);
});

test('a schema and a document may be JSON in a string', async (t) => {
  t.same(match('{"id":5}', '{"properties":{"id":{"type":"integer"}}}'), [true, []]);
  t.throws(() => match('{', {}), BuiltinError);
  t.throws(() => match(1, {}), BuiltinError);
  t.same(call('json.verify_schema', '{'), [false, 'jsonschema: invalid JSON string']);
});

test('drafts 4 to 7 are understood side by side', async (t) => {
  t.equal(match([1], { items: { minimum: 1, exclusiveMinimum: true } })[0], false);
  t.equal(match([1], { items: { exclusiveMinimum: 1 } })[0], false);
  t.equal(
    isValidSchema({ $schema: 'http://json-schema.org/draft-07/schema#', minimum: 1, exclusiveMinimum: true }),
    false,
  );
  t.equal(match({ a: 1 }, { id: 'http://x/y', 'x-unknown': 1, format: 'unknown' })[0], true);
  t.equal(
    match({ a: 1 }, { properties: { a: { $ref: '#/definitions/s', minimum: 5 } }, definitions: { s: {} } })[0],
    true,
  );
  t.equal(match({ a: 'x\n' }, { properties: { a: { pattern: '\\Ax\\z' } } })[0], false);
});

test('sets are arrays, keys their names, and members of the prototype no members', async (t) => {
  t.equal(match(readValue('{"a":{1,2}}') as Value, { properties: { a: { minItems: 2, type: 'array' } } })[0], true);
  t.equal(match({}, { required: ['toString'] })[0], false);
  t.equal(match(JSON.parse('{"__proto__":1}') as Value, { additionalProperties: false })[0], false);
  t.equal(isValidSchema(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as Value), false);
});

test('what cannot be used is refused with its reason', async (t) => {
  for (const schema of [
    { $ref: 'http://example.com/schema' },
    { $ref: '#/missing' },
    { properties: { a: 1 } },
    { pattern: '(' },
    { definitions: { unused: { patternProperties: { '(?=a)': {} } } } },
    { minLength: 2, maxLength: 1 },
    { required: 'a' },
    [],
  ] as readonly Value[]) {
    t.equal(isValidSchema(schema), false, JSON.stringify(schema));
  }
  t.same(call('json.verify_schema', { type: 'unknown_type' }), [
    false,
    'jsonschema: has a primitive type that is NOT VALID -- given: /unknown_type/ Expected valid values are:[array boolean integer number null object string]',
  ]);
});

test('a schema that refers to itself without end, deep ones and large ones end in an error', async (t) => {
  // OPA 1.22 dies of the first: Go's stack has no bound that a program could recover from.
  t.throws(() => match({}, { $ref: '#' }), BuiltinError);
  t.throws(
    () => match([], { allOf: [{ $ref: '#/definitions/a' }], definitions: { a: { anyOf: [{ $ref: '#' }] } } }),
    BuiltinError,
  );
  t.throws(() => match({}, `${'{"not":'.repeat(5_000)}{}${'}'.repeat(5_000)}`), BuiltinError);
  t.throws(() => match(`${'['.repeat(5_000)}${']'.repeat(5_000)}`, {}), BuiltinError);
  const wide = { anyOf: Array.from({ length: 400 }, (_, i) => ({ const: i })) };
  t.throws(() => callWith(budget(), 'json.match_schema', ['x'.repeat(1_000_000)], wide), EvaluationError);
  t.throws(() => match({}, { title: 'x'.repeat(1_000_000) }), BuiltinError);
});

test('patterns run in linear time', async (t) => {
  const started = process.threadCpuUsage();
  t.equal(match([`${'a'.repeat(50_000)}b`], { items: { pattern: '^(a+)+$' } })[0], false);
  t.ok(process.threadCpuUsage(started).user < 2_000_000);
});
