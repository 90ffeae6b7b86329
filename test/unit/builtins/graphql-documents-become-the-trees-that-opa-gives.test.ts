import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const schema = `
  type Query { orders(limit: Int = 10, in: [ID!]): [Order!]! self: Query }
  type Order { id: ID! total: Float }
`;

const one = (value: Value | undefined): Value => {
  if (value === undefined) throw new Error('the built-in gave nothing');
  return value;
};

test('a query has the field names of gqlparser, without what is empty', async (t) => {
  t.same(call('graphql.parse_query', 'query Q($n: Int!) { mine: orders(limit: $n) { ... on Order { id } ...F } }'), {
    Operations: [
      {
        Operation: 'query',
        Name: 'Q',
        VariableDefinitions: [{ Variable: 'n', Type: { NamedType: 'Int', NonNull: true }, Used: false }],
        SelectionSet: [
          {
            Alias: 'mine',
            Name: 'orders',
            Arguments: [{ Name: 'limit', Value: { Kind: 0, Raw: 'n', ExpectedTypeHasDefault: false } }],
            SelectionSet: [{ TypeCondition: 'Order', SelectionSet: [{ Alias: 'id', Name: 'id' }] }, { Name: 'F' }],
          },
        ],
      },
    ],
  });
  t.same(call('graphql.parse_query', ' # nothing\n'), {});
});

test('a text is valid exactly when the tree made of it is', async (t) => {
  const queries: readonly (readonly [string, boolean])[] = [
    ['{ orders { id total } }', true],
    ['{ orders(in: ["a", "b"]) { ...F } } fragment F on Order { id ... on Order { total } }', true],
    ['{ orders { id } } query Second { orders { id } }', false],
    ['{ orders }', false],
    ['{ orders(limit: "many") { id } }', false],
    ['mutation { drop }', false],
  ];
  const schemaTree = one(call('graphql.parse_schema', schema));
  for (const [query, valid] of queries) {
    const tree = one(call('graphql.parse_query', query));
    t.equal(call('graphql.is_valid', query, schema), valid, query);
    t.equal(call('graphql.is_valid', tree, schemaTree), valid, `${query} as a tree`);
    t.same(call('graphql.parse_and_verify', query, schema), valid ? [true, tree, schemaTree] : [false, {}, {}]);
    if (valid) t.same(call('graphql.parse', tree, schemaTree), [tree, schemaTree]);
    else t.throws(() => call('graphql.parse', query, schema), BuiltinError);
  }
});

test('a schema needs no query type, and an extension no base', async (t) => {
  for (const source of [
    '',
    'type A { a: Int }',
    'extend type A { a: Int }',
    'type Query { a: Int } directive @d on FIELD',
  ]) {
    t.equal(call('graphql.schema_is_valid', source), true, source);
  }
  for (const source of [
    'type A { a: Missing }',
    'scalar Int',
    'type A {}',
    'type __A { a: Int }',
    '{ a }',
    'type A { a: Int } type A { b: Int }',
  ]) {
    t.equal(call('graphql.schema_is_valid', source), false, source);
  }
});

test('a tree says only what a text could have said', async (t) => {
  const field = (changes: Value) => ({ Operations: [{ Operation: 'query', SelectionSet: [changes] }] });
  for (const tree of [
    field({ Alias: 'a b', Name: 'orders' }),
    field({ Alias: 'orders', Name: '__proto__ }' }),
    field({ Alias: 'orders', Name: 'orders', Arguments: [{ Name: 'limit', Value: { Kind: 1, Raw: '1) { x }' } }] }),
    field(1),
    { Operations: [{ Operation: 'drop', SelectionSet: [] }] },
  ]) {
    t.equal(call('graphql.is_valid', tree, schema), false, JSON.stringify(tree));
  }
});

test('__proto__ is a name like any other', async (t) => {
  t.same(call('graphql.parse_query', '{ __proto__(constructor: 1) { toString } }'), {
    Operations: [
      {
        Operation: 'query',
        Name: '',
        SelectionSet: [
          {
            Alias: '__proto__',
            Name: '__proto__',
            Arguments: [{ Name: 'constructor', Value: { Kind: 1, Raw: '1', ExpectedTypeHasDefault: false } }],
            SelectionSet: [{ Alias: 'toString', Name: 'toString' }],
          },
        ],
      },
    ],
  });
  t.equal(call('graphql.is_valid', '{ __proto__ }', schema), false);
  t.equal(call('graphql.is_valid', '{ constructor }', schema), false);
});

test('deep and wide documents end in an error or are paid for', async (t) => {
  const nested = `${'{self'.repeat(10_000)}{orders{id}}${'}'.repeat(10_000)}`;
  t.throws(() => call('graphql.parse_query', nested), BuiltinError);
  t.equal(call('graphql.is_valid', nested, schema), false);
  t.throws(() => call('graphql.parse_query', `{a(b: ${'['.repeat(10_000)}`), BuiltinError);
  t.throws(() => call('graphql.parse_query', `{${'a '.repeat(30_000)}}`), BuiltinError);
  t.throws(() => call('graphql.parse_query', `{a(b: "${'x'.repeat(1_000_000)}")}`), BuiltinError);
  t.throws(() => call('graphql.parse_query', '{a(b: "\ud800")}'), BuiltinError);
  const repeated = `{${'orders{id}'.repeat(300)}}`;
  t.throws(() => callWith(budget(), 'graphql.is_valid', repeated, schema), EvaluationError);
  let tree: Value = [{ Alias: 'self', Name: 'self' }];
  for (let i = 0; i < 20_000; i++) tree = [{ Alias: 'self', Name: 'self', SelectionSet: tree }];
  t.equal(call('graphql.is_valid', { Operations: [{ Operation: 'query', SelectionSet: tree }] }, schema), false);
});

test('a schema is paid for once, however often it is asked for', async (t) => {
  const large = `type Query { a: Int } ${Array.from({ length: 200 }, (_, i) => `type T${i} { f: Int }`).join(' ')}`;
  t.equal(call('graphql.is_valid', '{ a }', large), true);
  t.equal(callWith(budget(1_000), 'graphql.is_valid', '{ a }', large), true);
});
