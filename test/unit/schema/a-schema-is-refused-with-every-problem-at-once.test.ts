import { createServer } from 'node:net';
import { test } from 'tap';
import { compileSchema } from '../../../policy/schema.ts';
import { SchemaError } from '../../../policy/schema/problem.ts';
import { compile, problemsOf } from './support.ts';

const problems = (schema: unknown) => problemsOf(() => compile(schema));

test('all problems of a file are reported, each with its place', async (t) => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'string', format: 'zip-code' },
      b: { type: 'string', pattern: '^(?!x)' },
      c: { $ref: 'https://example.com/c.json' },
      d: { $ref: '#/$defs/missing' },
      e: { type: 'string', nullable: true },
    },
    colour: 'blue',
  };
  t.strictSame(problems(schema), [
    'schema-invalid /colour',
    'schema-open-object ',
    'schema-invalid /properties/e/nullable',
    'schema-invalid /properties/d/$ref',
    'schema-remote-ref /properties/c/$ref',
    'schema-pattern-not-linear /properties/b/pattern',
    'schema-unknown-format /properties/a/format',
  ]);
});

test('the error carries code, remedy and one line per problem with file and pointer', async (t) => {
  try {
    compileSchema('{"type":"object","properties":{}}', 'orders.json');
    t.fail('was accepted');
  } catch (error) {
    t.ok(error instanceof SchemaError);
    t.match(error, {
      code: 'schema-open-object',
      message: /^orders\.json#: lists "properties"/,
      remedy: /additionalProperties/,
    });
  }
});

const broken: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['not JSON', '{"type":', 'schema-invalid /type'],
  ['a member twice', '{"type":"string","type":"object"}', 'schema-invalid /type'],
  ['a number', '5', 'schema-invalid '],
  ['an unknown dialect', '{"$schema":"http://json-schema.org/draft-04/schema#"}', 'schema-invalid /$schema'],
  ['a misspelt type', '{"type":"strng"}', 'schema-invalid /type'],
  ['a keyword with the wrong type', '{"type":"object","required":"a"}', 'schema-invalid /required'],
  ['a keyword without its type', '{"pattern":"a"}', 'schema-invalid '],
  [
    'a keyword of another dialect',
    '{"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[]}',
    'schema-invalid /prefixItems',
  ],
  ['$data: CVE-2025-69873', '{"type":"string","pattern":{"$data":"1/p"}}', 'schema-invalid /pattern'],
  ['$async', '{"$async":true}', 'schema-invalid /$async'],
  ['$dynamicRef', '{"$dynamicRef":"#x"}', 'schema-invalid /$dynamicRef'],
  [
    'unevaluatedItems',
    '{"type":"array","items":{"type":"array","unevaluatedItems":false}}',
    'schema-invalid /items/unevaluatedItems',
  ],
  ['an embedded $id', '{"type":"array","items":{"$id":"http://x/y"}}', 'schema-invalid /items/$id'],
  ['a schema that applies itself', '{"$ref":"#"}', 'schema-invalid '],
  [
    'two that apply each other',
    '{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}}',
    'schema-invalid /$defs/a',
  ],
  [
    'siblings of $ref in draft-07',
    '{"$schema":"http://json-schema.org/draft-07/schema#","type":"array","items":{"$ref":"#/definitions/a","minLength":1},"definitions":{"a":{"type":"string"}}}',
    'schema-invalid /items/$ref',
  ],
  ['a $ref to what is no schema', '{"title":"x","$ref":"#/title"}', 'schema-invalid /$ref'],
  ['a $ref that is badly encoded', '{"$ref":"#/%"}', 'schema-invalid /$ref'],
  ['a keyword that would be ignored', '{"if":true}', 'schema-invalid '],
  [
    'a tuple without a length',
    '{"type":"object","properties":{"a":{"type":"array","prefixItems":[true]}},"additionalProperties":false}',
    'schema-invalid /properties/a',
  ],
  ['what only ajv notices', '{"$id":"urn:x:%zz","type":"array","items":{"$ref":"#"}}', 'schema-invalid '],
  ['a file beside it', '{"$ref":"other.json"}', 'schema-remote-ref /$ref'],
  ['a file anywhere', '{"$ref":"file:///etc/passwd"}', 'schema-remote-ref /$ref'],
  ['its own $id', '{"$id":"http://x/y","$ref":"http://x/y#/$defs/a","$defs":{"a":true}}', 'schema-remote-ref /$ref'],
  ['the meta-schema', '{"$ref":"https://json-schema.org/draft/2020-12/schema"}', 'schema-remote-ref /$ref'],
  ['a format that checks nothing', '{"type":"string","format":"password"}', 'schema-unknown-format /format'],
  [
    'a bad pattern as a name',
    '{"type":"object","patternProperties":{"(a)\\\\1":true},"additionalProperties":false}',
    'schema-pattern-not-linear /patternProperties/(a)\\1',
  ],
];

for (const [what, text, expected] of broken) {
  test(`refused: ${what}`, async (t) => {
    t.ok(problemsOf(() => compileSchema(text, 'schema.json')).includes(expected), `found ${expected}`);
  });
}

test('definitions that lead further and further are refused', async (t) => {
  const step = (at: number) => ({ type: 'array', items: { $ref: `#/$defs/${at + 1}` } });
  const $defs = Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [at, step(at)]));
  t.strictSame(problems({ $ref: '#/$defs/0', $defs: { ...$defs, 4000: true } }), ['schema-invalid ']);
});

test('a $ref to a listening server connects to nothing', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const $ref of [
    `http://127.0.0.1:${port}/a.json`,
    `//127.0.0.1:${port}/a.json`,
    `http://127.0.0.1:${port}/a#/b`,
  ]) {
    t.strictSame(problems({ $ref }), ['schema-remote-ref /$ref']);
    t.strictSame(problems({ $schema: $ref }), ['schema-invalid /$schema']);
  }
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(connections, 0);
});

test('both dialects work, the newer one by default', async (t) => {
  const tuple = { type: 'array', prefixItems: [{ type: 'string' }], items: false, minItems: 1 };
  t.match(compile(tuple).validate(['a', 1]), { pointer: '' });
  const old = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'array',
    items: [{ type: 'string' }],
    minItems: 1,
    additionalItems: false,
  };
  t.equal(compile(old).validate(['a']), undefined);
  t.match(compile(old).validate([1]), { pointer: '/0', keyword: 'type' });
});

test('the digest is that of the bytes of the file', async (t) => {
  const one = compileSchema('{"type":"string"}', 'a.json').digest;
  t.match(one, /^sha256:[0-9a-f]{64}$/);
  t.equal(compileSchema(Buffer.from('{"type":"string"}'), 'b.json').digest, one);
  t.not(compileSchema('{"type": "string"}', 'a.json').digest, one);
});
