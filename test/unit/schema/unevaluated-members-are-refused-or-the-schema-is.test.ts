import { test } from 'tap';
import { compileParameters } from '../../../policy/schema.ts';
import { SchemaError } from '../../../policy/schema/problem.ts';
import { compile, conditional, problemsOf } from './support.ts';

const a = { type: 'object', properties: { a: { type: 'string' } } };
const b = { type: 'object', properties: { b: { type: 'string' } } };
const closed = { type: 'object', unevaluatedProperties: false };
const place = ['schema-invalid /unevaluatedProperties'];

const known: readonly (readonly [what: string, schema: object])[] = [
  ['its own properties', { ...closed, ...a }],
  ['allOf', { ...closed, allOf: [a, b] }],
  ['a $ref', { ...closed, $ref: '#/$defs/a', $defs: { a } }],
  ['allOf of a $ref', { ...closed, allOf: [{ $ref: '#/$defs/a' }], $defs: { a } }],
  [
    'a $ref into a schema that recurses',
    {
      ...closed,
      allOf: [{ $ref: '#/$defs/a' }],
      $defs: {
        a: { type: 'object', properties: { a: { type: 'string' }, list: { type: 'array', items: { $ref: '#' } } } },
      },
    },
  ],
  ['branches that list nothing', { ...closed, ...a, anyOf: [{ required: ['a'] }, { minProperties: 0 }] }],
];

test('members that are known beforehand close an object, whatever the others are called', async (t) => {
  for (const [what, schema] of known) {
    const { validate } = compile(schema);
    t.equal(validate({ a: 'x' }), undefined, what);
    for (const name of ['c', 'constructor', 'toString', '__proto__']) {
      const value = JSON.parse(`{"a":"x","${name}":{}}`) as unknown;
      t.match(validate(value), { pointer: `/${name}`, keyword: 'unevaluatedProperties' }, `${what}: ${name}`);
    }
  }
});

/** Each let members through: those named like methods, and those of a failed `if`. */
const unknown: readonly (readonly [what: string, schema: object])[] = [
  ['anyOf', { ...closed, anyOf: [a, b] }],
  ['oneOf', { ...closed, oneOf: [a, b] }],
  ['a condition that lists members', { ...closed, ...b, ...conditional(a, { required: ['b'] }) }],
  [
    'a condition that takes all',
    { ...closed, ...b, ...conditional({ ...a, additionalProperties: true }, { required: ['b'] }) },
  ],
  ['a branch of a condition', { ...closed, ...b, ...conditional({ required: ['b'] }, a) }],
  ['dependentSchemas', { ...closed, ...b, dependentSchemas: { b: a } }],
  ['dependencies', { ...closed, ...b, dependencies: { b: a } }],
  ['patternProperties', { ...closed, patternProperties: { '^x': { type: 'string' } } }],
  ['below allOf', { ...closed, allOf: [{ allOf: [conditional(a, { type: 'object', required: ['a'] })] }] }],
  ['behind a $ref', { ...closed, $ref: '#/$defs/any', $defs: { any: { anyOf: [a, b] } } }],
  ['a schema for what is left', { ...closed, unevaluatedProperties: { type: 'number' }, anyOf: [a, b] }],
];

test('where they are known only while validating, the schema is refused, with its place', async (t) => {
  for (const [what, schema] of unknown) {
    t.strictSame(
      problemsOf(() => compile(schema)),
      place,
      what,
    );
    const inside = { type: 'object', properties: { 'x/y': { $ref: '#/$defs/z' } }, additionalProperties: false };
    const { $defs, ...moved } = schema as { $defs?: object };
    t.strictSame(
      problemsOf(() => compile({ ...inside, $defs: { ...$defs, z: moved } })),
      ['schema-invalid /$defs/z/unevaluatedProperties'],
      `${what}, behind a $ref`,
    );
  }
  t.strictSame(
    problemsOf(() => compileParameters(JSON.stringify({ ...closed, ...a, anyOf: [a, b] }), 'query.json')),
    place,
  );
});

test('a $ref back into a schema around it is refused', async (t) => {
  const schema = {
    type: 'object',
    properties: { a: { $ref: '#/$defs/around' } },
    additionalProperties: true,
    $defs: { around: { ...closed, $ref: '#' } },
  };
  t.strictSame(
    problemsOf(() => compile(schema)),
    ['schema-invalid /$defs/around/unevaluatedProperties'],
  );
});

test('one that refuses nothing is accepted everywhere', async (t) => {
  t.equal(
    compile({ anyOf: [a, b], type: 'object', unevaluatedProperties: true }).validate({ a: 'x', c: 1 }),
    undefined,
  );
});

test('the message says what to write instead', async (t) => {
  try {
    compile({ ...closed, anyOf: [a, b] });
    t.fail('was accepted');
  } catch (error) {
    t.ok(error instanceof SchemaError);
    t.match(error, {
      message: /schema\.json#\/unevaluatedProperties: .*write "additionalProperties": false in each branch/,
    });
  }
});
