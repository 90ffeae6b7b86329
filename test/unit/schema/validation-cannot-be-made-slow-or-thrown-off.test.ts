import { test } from 'tap';
import { readStrictJson } from '../../../policy/json/strict-json.ts';
import { areUnique } from '../../../policy/schema/equality.ts';
import { compileLenient } from '../../../policy/schema/lenient.ts';
import { compile, conditional } from './support.ts';

test('^(a+)+$ decides on a megabyte, where backtracking doubles its time with each character', async (t) => {
  const schema = compile({ type: 'string', pattern: '^(a+)+$' });
  t.match(schema.validate(`${'a'.repeat(28)}!`), { keyword: 'pattern', pointer: '' });
  t.match(schema.validate(`${'a'.repeat(1_000_000)}!`), { keyword: 'pattern' });
  t.equal(schema.validate('a'.repeat(1_000_000)), undefined);
});

test('patternProperties and propertyNames run on the same engine', async (t) => {
  const name = `${'a'.repeat(100_000)}!`;
  const byPattern = compile({ type: 'object', patternProperties: { '^(a+)+$': true }, additionalProperties: false });
  t.match(byPattern.validate({ [name]: 1 }), { keyword: 'additionalProperties' });
  t.equal(byPattern.validate({ aaa: 1 }), undefined);
  const byName = compile({ type: 'object', propertyNames: { pattern: '^(a+)+$' } });
  t.match(byName.validate({ 'a!': 1 }), { keyword: 'propertyNames', pointer: '/a!' });
});

test('uniqueItems looks at each of 20,000 objects once', async (t) => {
  let looks = 0;
  const items = Array.from({ length: 20_000 }, (_, id) => ({
    get id() {
      looks++;
      return id;
    },
  }));
  t.ok(areUnique(items));
  t.equal(looks, 20_000, 'ajv compares each pair: 199,990,000 looks, 9.6 s');
});

test('uniqueItems means what the standard says', async (t) => {
  const unique = compile({ type: 'array', uniqueItems: true });
  const equalPairs = [
    [1, 1],
    [0, -0],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    [null, null],
    ['__proto__', '__proto__'],
  ];
  for (const pair of equalPairs) t.match(unique.validate(pair), { keyword: 'uniqueItems', pointer: '' });
  const differentPairs = [
    [1, '1'],
    [0, false],
    [null, 'null'],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 2 }],
    [{}, []],
    ['a,b', ['a', 'b']],
  ];
  for (const pair of differentPairs) t.equal(unique.validate(pair), undefined, JSON.stringify(pair));
  t.equal(compile({ type: 'array', uniqueItems: false }).validate([1, 1]), undefined);
});

test('a document 64 deep passes a recursive schema', async (t) => {
  const schema = compile({
    type: 'object',
    properties: { next: { $ref: '#' }, list: { type: 'array', items: { $ref: '#' } } },
    additionalProperties: false,
  });
  const reading = readStrictJson(Buffer.from(`${'{"next":'.repeat(63)}{}${'}'.repeat(63)}`), { maxDepth: 64 });
  if (!reading.ok) throw new Error('unreadable');
  t.equal(schema.validate(reading.value), undefined);
  const wrong = JSON.parse(`${'{"next":'.repeat(63)}{"x":1}${'}'.repeat(63)}`) as unknown;
  t.match(schema.validate(wrong), { pointer: `${'/next'.repeat(63)}/x` });
});

test('a schema that branches where it recurses gives up instead of taking 2^64 steps', async (t) => {
  const branch = {
    type: 'object',
    properties: { next: { $ref: '#/$defs/node' } },
    additionalProperties: false,
    required: ['next'],
  };
  const schema = compile({ $ref: '#/$defs/node', $defs: { node: { anyOf: [branch, { ...branch, title: 'again' }] } } });
  const value = JSON.parse(`${'{"next":'.repeat(60)}0${'}'.repeat(60)}`) as unknown;
  t.match(schema.validate(value), { keyword: '$ref', message: 'takes too many steps to check' });
  t.match(schema.validate(1), { keyword: 'anyOf' }, 'the next value starts anew');
});

const text = 'a'.repeat(400_000);
const letters = Array.from({ length: 20_000 }, (_, at) => `letter ${at}`);
const members = Object.fromEntries(letters.map((letter) => [letter, 1]));
const expensive: readonly (readonly [keyword: string, schema: object, value: unknown])[] = [
  ['pattern', { type: 'string', pattern: '^[a-z]*$' }, text],
  ['format', { type: 'string', format: 'uri-reference' }, text],
  ['maxLength', { type: 'string', maxLength: 500_000 }, text],
  ['items', { type: 'array', items: { type: 'string' } }, Array(400_000).fill('')],
  ['contains', { type: 'array', contains: { type: 'string' } }, Array(400_000).fill('')],
  ['uniqueItems', { type: 'array', uniqueItems: true }, letters],
  ['enum', { enum: [letters] }, letters],
  ['const', { const: letters }, letters],
  ['multipleOf', { type: 'array', items: { type: 'number', multipleOf: 0.5 } }, Array(30_000).fill(1)],
  ['additionalProperties', { type: 'object', additionalProperties: { type: 'number' } }, members],
  ['propertyNames', { type: 'object', propertyNames: { type: 'string' } }, members],
  ['minProperties', { type: 'object', minProperties: 1 }, members],
];

test('what a keyword looks at counts too, where a schema branches and recurses', async (t) => {
  for (const [keyword, leaf, value] of expensive) {
    const branch = (op: string) => ({
      type: 'object',
      properties: { next: { $ref: '#/$defs/node' }, leaf, op: { const: op } },
      required: ['op'],
      additionalProperties: false,
    });
    const schema = compile({ $ref: '#/$defs/node', $defs: { node: { oneOf: [branch('and'), branch('or')] } } });
    let document: unknown = { leaf: value, op: 'or' };
    t.equal(schema.validate(document), undefined, `${keyword} once`);
    for (let level = 0; level < 6; level++) document = { next: document, op: 'or' };
    t.match(schema.validate(document), { keyword: '$ref', message: 'takes too many steps to check' }, keyword);
  }
});

test('a schema that does not recurse may look at a value of any length', async (t) => {
  const schema = compile({
    type: 'array',
    items: { $ref: '#/$defs/text' },
    $defs: { text: { type: 'string', pattern: '^[a-z]*$' } },
  });
  t.equal(schema.validate(Array(20).fill(text)), undefined);
});

const tree = { type: 'object', properties: { next: { $ref: '#/definitions/tree' } }, additionalProperties: false };
const $schema = 'http://json-schema.org/draft-07/schema#';

test('contains looks at any number of items that follow a $ref, and copies no errors of one to the next', async (t) => {
  const { $ref } = tree.properties.next;
  const schema = compile({ $schema, type: 'array', contains: { $ref }, definitions: { tree } });
  t.match(schema.validate(Array(20_000).fill(1)), { keyword: 'contains', pointer: '' }, '400 million copies');
  t.equal(schema.validate([...Array(20_000).fill(1), {}]), undefined);
  const second = { type: 'array', contains: { type: 'number' }, minContains: 2, maxContains: 3 };
  t.match(compile(second).validate(['a', 1, 'b']), { keyword: 'contains' });
  t.equal(compile(second).validate(['a', 1, 'b', 2]), undefined);
  t.match(compile({ allOf: [{ type: 'array', minItems: 1 }, second] }).validate([1, 2, 3, 4]), { keyword: 'contains' });
});

test('where all errors are told, as to a policy, those that are copied count', async (t) => {
  const check = compileLenient({ type: 'array', items: tree.properties.next, definitions: { tree } });
  t.equal(check(Array(20_000).fill(1)), undefined, '200 million copies');
  t.equal(check(Array(2_000).fill(1))?.length, 2_000);
});

test('20,000 levels are a violation, not a RangeError', async (t) => {
  const schema = compile({ type: 'array', items: { $ref: '#' } });
  t.match(schema.validate(JSON.parse('['.repeat(20_000) + ']'.repeat(20_000))), { keyword: '$ref' });
});

test('required finds own members only: CVE class of prototype pollution', async (t) => {
  const schema = compile({ type: 'object', required: ['toString'] });
  t.match(schema.validate({}), { pointer: '/toString', keyword: 'required' });
  t.equal(schema.validate({ toString: 1 }), undefined);
  t.match(compile({ type: 'object', required: ['__proto__'] }).validate({}), { keyword: 'required' });
});

test('members named like methods do not throw comparisons off', async (t) => {
  const schema = compile({ enum: [{ a: 1 }, { valueOf: 1 }] });
  t.match(schema.validate({ valueOf: 2 }), { keyword: 'enum' });
  t.equal(schema.validate(JSON.parse('{"valueOf":1}')), undefined);
  t.match(compile({ const: { a: 1 } }).validate({ valueOf: 1, toString: 2, constructor: 3 }), { keyword: 'const' });
  t.equal(compile({ const: { a: [1, { b: null }] } }).validate({ a: [1, { b: null }] }), undefined);
});

test('validators leave the value alone, even where a schema has defaults', async (t) => {
  const schema = compile({
    type: 'object',
    properties: { a: { type: 'integer', default: 1 }, b: { type: 'string' } },
    additionalProperties: false,
  });
  const value = Object.freeze({ b: 'x' });
  t.equal(schema.validate(value), undefined);
  t.strictSame(value, { b: 'x' });
  t.match(schema.validate({ a: '1' }), { pointer: '/a', keyword: 'type' }, 'nothing is coerced');
});

test('multipleOf counts in decimals', async (t) => {
  const cents = compile({ type: 'number', multipleOf: 0.01 });
  for (const value of [19.99, 0.07, 1.1, 4.35, -0.29, 0, -0, 1e15, 1e300])
    t.equal(cents.validate(value), undefined, String(value));
  for (const value of [19.999, 0.001, 1e-300]) t.match(cents.validate(value), { keyword: 'multipleOf' }, String(value));
  const three = compile({ type: 'number', multipleOf: 3 });
  t.equal(three.validate(9), undefined);
  t.match(three.validate(10), { keyword: 'multipleOf' });
  t.match(three.validate(9.5), { keyword: 'multipleOf' });
});

test('a violation never repeats a value of the document, and its pointer stays short', async (t) => {
  const schema = compile({
    type: 'object',
    properties: {
      a: { type: 'string', pattern: '^x', maxLength: 5 },
      b: { enum: ['p', 'q'] },
      c: { oneOf: [{ type: 'null' }] },
    },
    additionalProperties: false,
  });
  for (const value of [{ a: 's3cret' }, { a: 's3c' }, { b: 's3cret' }, { c: 's3cret' }]) {
    t.notMatch(JSON.stringify(schema.validate(value)), /s3c/);
  }
  t.match(schema.validate({ ['k'.repeat(100_000)]: 1 }), { pointer: '', keyword: 'additionalProperties' });
});

test('the violation of if is that of its branch', async (t) => {
  const schema = compile({
    type: 'object',
    properties: { kind: { type: 'string' }, iban: { type: 'string' } },
    additionalProperties: false,
    ...conditional({ properties: { kind: { const: 'transfer' } } }, { required: ['iban'] }),
  });
  t.match(schema.validate({ kind: 'transfer' }), { pointer: '/iban', keyword: 'required' });
});
