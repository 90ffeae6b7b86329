import fc from 'fast-check';
import { test } from 'tap';
import { decide, readDecision } from '../../../policy/decision.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { RegoDecimal } from '../../../policy/value/value.ts';
import type { Decision } from '../../../policy/verdict.ts';
import { input } from './policies.ts';

const read = (result: unknown): Decision => readDecision([{ result }]);

test('true and a complete object allow', (t) => {
  t.match(read(true), { kind: 'allow', rule: '', reasons: [], obligations: [] });
  const headers = { 'x-empty': '', 'x-tenant': 'blue' };
  const decision = read({ allow: true, rule: 'r', reasons: ['because'], obligations: [{ type: 'note' }], headers });
  t.match(decision, { kind: 'allow', rule: 'r', reasons: ['because'], obligations: [{ type: 'note' }] });
  if (decision.kind === 'allow') t.same(decision.changes.headers, Object.entries(headers));
  t.equal(read({ allow: true }).kind, 'allow');
  t.equal(read(Object.assign(Object.create(null), { allow: true })).kind, 'allow');
  t.ok(Object.isFrozen(decision));
  t.end();
});

test('false and allow: false deny, with rule, reasons and obligations', (t) => {
  t.same(read(false), { kind: 'deny', rule: '', reasons: [], obligations: [] });
  t.same(read({ allow: false, rule: 'r', reasons: ['no'], obligations: [{ type: 'note' }] }), {
    kind: 'deny',
    rule: 'r',
    reasons: ['no'],
    obligations: [{ type: 'note' }],
  });
  t.end();
});

test('nothing else is a decision', (t) => {
  const cyclic: Record<string, unknown> = { allow: true };
  cyclic['obligations'] = [cyclic];
  const inherited = Object.create({ allow: true }) as object;
  const results: readonly unknown[] = [
    undefined,
    null,
    'true',
    1,
    0,
    '',
    [],
    [true],
    {},
    Symbol('true'),
    1n,
    new RegoDecimal('1e400'),
    () => true,
    new Date(),
    new Map(),
    ...['true', 1, null, undefined, [true], {}].map((allow) => ({ allow })),
    { Allow: true },
    { allow: true, allowed: true },
    { allow: false, allowed: true },
    { allow: true, extra: 1 },
    inherited,
    cyclic,
    ...[1, ['r'], null, 'r'.repeat(257)].map((rule) => ({ allow: true, rule })),
    ...['no', [1], [null], { 0: 'no' }, ['x'.repeat(1025)], Array(65).fill('x')].map((reasons) => ({
      allow: true,
      reasons,
    })),
    ...[
      {},
      [1],
      [[]],
      [null],
      ['x'],
      [{ x: 'x'.repeat(5000) }],
      [{ x: 2n ** 60n }],
      [{ x: new RegoDecimal('1e400') }],
    ].map((obligations) => ({ allow: true, obligations })),
    ...[[], 'x', null].map((headers) => ({ allow: true, headers })),
    ...['X-Upper', '', 'a b', 'a:', 'ä', 'a\r\nb'].map((name) => ({ allow: true, headers: { [name]: 'x' } })),
    ...[1, null, ['x'], 'a\r\nb: c', '\u0000', ' a', 'a ', 'ä', 'x'.repeat(5000)].map((value) => ({
      allow: true,
      headers: { 'x-a': value },
    })),
    { allow: true, headers: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`x-${index}`, 'x'])) },
    { allow: true, headers: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'x'.repeat(4000)])) },
  ];
  for (const result of results) {
    const decision = read(result);
    t.equal(decision.kind, 'undecided');
    if (decision.kind === 'undecided') t.not(decision.why, '');
  }
  t.end();
});

test('a result set of another form is no decision', (t) => {
  const sets: readonly unknown[] = [
    undefined,
    null,
    true,
    {},
    'x',
    [],
    [true],
    [[]],
    [{}],
    [{ result: true }, { result: true }],
    [{ result: true, more: 1 }],
    [Object.create({ result: true })],
    { length: 1, 0: { result: true } },
    new Proxy([], {
      get() {
        throw new Error('trap');
      },
    }),
  ];
  for (const set of sets) t.equal(readDecision(set).kind, 'undecided');
  t.end();
});

test('whatever an engine throws is undecided', (t) => {
  for (const thrown of [
    new EvaluationError('aborted'),
    new Error('bug'),
    'a bare string',
    { message: 'object' },
    undefined,
  ]) {
    const engine = {
      revision: 'r',
      decide: () => {
        throw thrown as Error;
      },
    };
    t.equal(decide(engine, input()).kind, 'undecided');
  }
  t.match(decide({ revision: 'r', decide: () => [{ result: true }] }, input()), { kind: 'allow' });
  t.end();
});

test('for any value: it never throws, and allows only for true or allow: true', (t) => {
  const near = fc.record(
    {
      allow: fc.anything(),
      rule: fc.anything(),
      reasons: fc.anything(),
      headers: fc.anything(),
      obligations: fc.anything(),
      allowed: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
  });
  fc.assert(
    fc.property(fc.oneof(anything, near), (result) => {
      const decision = read(result);
      if (decision.kind !== 'allow') return;
      const said = typeof result === 'object' && result !== null ? Object.entries(result) : [];
      const yes = said.some(([name, value]) => (name === 'allow' || name === 'allowed') && value === true);
      if (!(result === true || yes)) throw new Error('allowed');
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(anything, (set) => void readDecision(set)));
  t.end();
});
