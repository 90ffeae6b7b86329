import { test } from 'tap';
import { compile, conditional, problemsOf } from './support.ts';

const problems = (schema: unknown) => problemsOf(() => compile(schema));
const a = { a: { type: 'string' } };
const open = { type: 'object', properties: a };

test('silence is refused, both answers are accepted', async (t) => {
  t.strictSame(problems(open), ['schema-open-object ']);
  t.strictSame(problems({ ...open, additionalProperties: false }), []);
  t.strictSame(problems({ ...open, additionalProperties: true }), []);
  t.strictSame(problems({ ...open, additionalProperties: { type: 'number' } }), []);
  t.strictSame(problems({ ...open, unevaluatedProperties: false }), []);
  t.strictSame(problems({ type: 'object', patternProperties: { '^x': { type: 'string' } } }), ['schema-open-object ']);
  t.strictSame(problems({ type: 'object' }), [], 'an object that lists nothing hides nothing');
});

test('the answer decides what happens to an unknown member', async (t) => {
  const closed = compile({ ...open, additionalProperties: false });
  t.match(closed.validate({ a: 'x', 'b/c': 1 }), { pointer: '/b~1c', keyword: 'additionalProperties' });
  t.equal(compile({ ...open, additionalProperties: true }).validate({ a: 'x', b: 1 }), undefined);
});

test('every open object is named, wherever it stands', async (t) => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: { 'x/y': open, list: { type: 'array', items: open, contains: open } },
    $defs: { used: open, unused: open },
    anyOf: [{ type: 'object', properties: { z: open } }, { $ref: '#/$defs/used' }],
  };
  t.strictSame([...problems(schema)].sort(), [
    'schema-open-object /anyOf/0/properties/z',
    'schema-open-object /properties/list/contains',
    'schema-open-object /properties/list/items',
    'schema-open-object /properties/x~1y',
  ]);
});

test('a branch is exempt when the enclosing schema answers for the same object', async (t) => {
  for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
    t.strictSame(problems({ type: 'object', [keyword]: [open] }), [`schema-open-object /${keyword}/0`]);
    t.strictSame(problems({ ...open, [keyword]: [open], additionalProperties: false }), []);
  }
  t.strictSame(problems({ type: 'object', allOf: [open], unevaluatedProperties: false }), []);
  t.strictSame(problems({ ...open, additionalProperties: false, ...conditional(open, open, open) }), []);
});

test('a shared definition is judged where it is used', async (t) => {
  const $defs = { base: open };
  t.strictSame(problems({ type: 'object', allOf: [{ $ref: '#/$defs/base' }], $defs }), [
    'schema-open-object /$defs/base',
  ]);
  const stated = { type: 'object', allOf: [{ $ref: '#/$defs/base' }], unevaluatedProperties: false, $defs };
  t.strictSame(problems(stated), []);
  t.match(compile(stated).validate({ a: 'x', b: 1 }), { pointer: '/b', keyword: 'unevaluatedProperties' });
});

test('if and not only ask: what they list closes nothing', async (t) => {
  t.strictSame(problems({ type: 'object', not: open, ...conditional(open, { required: ['b'] }) }), []);
});
