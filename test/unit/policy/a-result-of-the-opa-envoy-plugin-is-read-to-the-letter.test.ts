import fc from 'fast-check';
import { test } from 'tap';
import { readDecision } from '../../../policy/decision.ts';
import type { Decision } from '../../../policy/verdict.ts';

const read = (result: unknown): Decision => readDecision([{ result }]);

test('allowed: what is to be changed, and what is for denials only is read and has no effect', (t) => {
  const decision = read({
    allowed: true,
    headers: { 'X-Role': 'admin', 'x-tag': ['a', 'b'], 'x-none': [] },
    response_headers_to_add: [{ 'Set-Cookie': 'a=1' }, { 'set-cookie': ['b=2', 'c=3'] }],
    request_headers_to_remove: ['X-One', 'x-two'],
    query_parameters_to_set: { role: 'admin', tag: ['a', 'b c'] },
    query_parameters_to_remove: ['debug'],
    http_status: 200,
    body: 'unused',
    dynamic_metadata: { a: [1, 'x', { b: null }], __proto__: null },
  });
  t.same(decision, {
    kind: 'allow',
    rule: '',
    reasons: [],
    obligations: [],
    changes: {
      headers: [
        ['x-role', 'admin'],
        ['x-tag', 'a'],
        ['x-tag', 'b'],
      ],
      responseHeaders: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['set-cookie', 'c=3'],
      ],
      removeHeaders: ['x-one', 'x-two'],
      query: {
        set: [
          ['role', 'admin'],
          ['tag', 'a'],
          ['tag', 'b c'],
        ],
        remove: ['debug'],
      },
    },
    metadata: '{"a":[1,"x",{"b":null}]}',
  });
  t.ok(Object.isFrozen(decision));
  t.match(read({ allowed: true, dynamic_metadata: { n: 2n ** 64n } }), { metadata: '{"n":18446744073709551616}' });
  t.match(read({ allowed: true }), { kind: 'allow', changes: { headers: [], query: undefined } });
  t.end();
});

test('denied: status, headers and body for the client', (t) => {
  t.same(read({ allowed: false }), { kind: 'deny', rule: '', reasons: [], obligations: [] });
  t.same(read({ allowed: false, headers: {}, dynamic_metadata: {} }), {
    kind: 'deny',
    rule: '',
    reasons: [],
    obligations: [],
    metadata: '{}',
  });
  t.match(read({ allowed: false, http_status: 401, headers: { 'WWW-Authenticate': 'Bearer' }, body: 'who?' }), {
    kind: 'deny',
    answer: { status: 401, headers: [['www-authenticate', 'Bearer']], body: 'who?' },
  });
  t.match(read({ allowed: false, body: '' }), { answer: { status: 403, headers: [], body: '' } });
  const location = 'https://login.example/?then=/people';
  t.match(read({ allowed: false, http_status: 302, headers: { Location: location } }), { answer: { status: 302 } });
  // As the example of OPA's documentation does: the members for the workload are there whatever the verdict.
  const members = { request_headers_to_remove: ['a'], response_headers_to_add: { a: 'b' } };
  t.match(read({ allowed: false, ...members, query_parameters_to_set: { a: 'b' } }), { kind: 'deny' });
  t.end();
});

const many = (length: number) => Array.from({ length }, (_, index) => `x-${index}`);
const objectOf = (names: readonly string[], value: unknown) => Object.fromEntries(names.map((name) => [name, value]));

/** Each makes either verdict undecided. */
const hostile: readonly (readonly [what: string, members: object])[] = [
  ['both shapes', { allow: true }],
  ['a member of ours', { rule: 'r' }],
  ['a member that nobody defines', { status_code: 403 }],
  ['a member named __proto__', JSON.parse('{"__proto__": {"allowed": true}}') as object],
  ...['x', null, 1, [1], [['a', 'b']], ['a'], { a: null }, { a: 1 }, { a: { b: 'c' } }, { a: [1] }].map(
    (headers) => ['headers of another form', { headers }] as const,
  ),
  ...['a\r\nb: c', 'a\nb', '\u0000', 'ä', ' a', 'a\t', 'x'.repeat(4097)].flatMap((value) =>
    ['headers', 'response_headers_to_add'].map((name) => ['a value', { [name]: { 'x-a': value } }] as const),
  ),
  ...['', 'a b', 'a:', ':path', 'ä', 'a\r\nb', 'x'.repeat(129)].flatMap((name) => [
    ['a name', { headers: { [name]: 'x' } }] as const,
    ['a name to remove', { request_headers_to_remove: [name] }] as const,
  ]),
  ['a header in two spellings', { headers: { 'X-A': '1', 'x-a': '2' } }],
  ['1,000 headers', { headers: objectOf(many(1000), 'x') }],
  ['1,000 values', { headers: { 'x-a': many(1000) } }],
  ['1,000 objects', { headers: many(1000).map((name) => ({ [name]: 'x' })) }],
  ['33 headers in lists', { response_headers_to_add: { a: many(17), b: many(16) } }],
  ['too many characters', { headers: objectOf(many(5), 'x'.repeat(4000)) }],
  ['1,000 names', { request_headers_to_remove: many(1000) }],
  ...['x', { x: 'y' }, [1], [['x']], null].map(
    (request_headers_to_remove) => ['names of another form', { request_headers_to_remove }] as const,
  ),
  ...[99, 600, 1e9, -1, 403.5, Number.NaN, '403', true, null, [403], 403n].map(
    (http_status) => ['a status', { http_status }] as const,
  ),
  ...[1, null, ['x'], {}, 'x'.repeat(10_000_000), 'ä'.repeat(40_000), '\ud800'].map(
    (body) => ['a body', { body }] as const,
  ),
  ...[[], 'x', null, 1, { a: 'x'.repeat(2048) }].map((dynamic_metadata) => ['metadata', { dynamic_metadata }] as const),
  ...['x', [], null, { a: 1 }, { a: [1] }, { a: 'b\r\n' }, { 'a\u0000': 'b' }, { a: '\udfff' }].map(
    (query_parameters_to_set) => ['query parameters', { query_parameters_to_set }] as const,
  ),
  ['1,000 query parameters', { query_parameters_to_set: objectOf(many(1000), 'x') }],
  ['1,000 values of one', { query_parameters_to_set: { a: many(1000) } }],
  ['a parameter set and removed', { query_parameters_to_set: { a: 'b' }, query_parameters_to_remove: ['a'] }],
];

test('whatever is not of the form that is promised leaves both verdicts undecided', (t) => {
  for (const [what, members] of hostile) {
    for (const allowed of [true, false]) {
      const decision = read(Object.defineProperties({ allowed }, Object.getOwnPropertyDescriptors(members)));
      t.match(decision, { kind: 'undecided', why: /./ }, `${what}: ${JSON.stringify(members, notTooLong)}`);
    }
  }
  for (const allowed of ['true', 1, null, undefined, [true], {}]) t.equal(read({ allowed }).kind, 'undecided');
  t.match(read({ allowed: true, headers: { a: 'b' }, request_headers_to_remove: ['A'] }), { kind: 'undecided' });
  t.end();
});

// A client that believes the status would take a denial for what it asked for, or its body for the next answer.
test('a denial never claims to be anything else', (t) => {
  for (let status = 100; status < 600; status += 1) {
    const expected = status < 300 || status === 304 || status === 305 ? 'undecided' : 'deny';
    t.equal(read({ allowed: false, http_status: status }).kind, expected, String(status));
  }
  t.end();
});

test('for any members: it never throws, and allows only for allowed: true', (t) => {
  const names = ['headers', 'response_headers_to_add', 'request_headers_to_remove', 'http_status', 'body'];
  const members = fc.record(
    Object.fromEntries(
      [...names, 'allowed', 'query_parameters_to_set', 'dynamic_metadata'].map((name) => [name, fc.anything()]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(members, (result) => {
      if (read(result).kind === 'allow' && result['allowed'] !== true) throw new Error('allowed');
    }),
    { numRuns: 2000 },
  );
  t.end();
});

function notTooLong(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'string' ? value.slice(0, 80) : value;
}
