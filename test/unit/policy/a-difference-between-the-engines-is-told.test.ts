import { test } from 'tap';
import { EvaluationError, type PolicyEngine } from '../../../policy/engine.ts';
import { type Difference, verifiedEngine } from '../../../policy/engines/verify.ts';
import type { PolicyInput } from '../../../policy/input.ts';

const giving = (result: unknown): PolicyEngine => ({ revision: 'r', decide: () => result });
const failing = (why: string): PolicyEngine => ({
  revision: 'r',
  decide: () => {
    throw new EvaluationError(why);
  },
});

const request = (id: string) => ({ attributes: { request: { http: { id } } } }) as PolicyInput;

function compare(first: PolicyEngine, second: PolicyEngine, { share = 1, refuse = false } = {}) {
  const differences: Difference[] = [];
  let compared = 0;
  const engine = verifiedEngine(first, second, {
    share,
    refuse,
    compared: () => (compared += 1),
    differed: (difference) => differences.push(difference),
  });
  return { decide: (id = 'r-1') => engine.decide(request(id)), differences, compared: () => compared };
}

test('results are compared as Rego values', (t) => {
  const same: readonly (readonly [unknown, unknown])[] = [
    [[{ result: { a: 1, b: [true] } }], [{ result: { b: [true], a: 1 } }]],
    [[], []],
    // The reference has gone through JSON.
    [[{ result: 2n ** 60n }], [{ result: 2 ** 60 }]],
    [[{ result: 1.0 }], [{ result: 1 }]],
  ];
  for (const [one, other] of same) {
    const { decide, differences } = compare(giving(one), giving(other));
    t.strictSame(decide(), one);
    t.strictSame(differences, []);
  }
  const apart: readonly (readonly [unknown, unknown])[] = [
    [[{ result: true }], [{ result: false }]],
    [[{ result: true }], []],
    [[{ result: '1' }], [{ result: 1 }]],
    [[{ result: [1, 2] }], [{ result: [2, 1] }]],
    [[{ result: { a: 1 } }], [{ result: { a: 1, b: 1 } }]],
    [[{ result: JSON.parse('{"__proto__":1}') }], [{ result: {} }]],
  ];
  for (const [one, other] of apart) {
    const { decide, differences } = compare(giving(one), giving(other));
    t.strictSame(decide(), one, 'the first engine decides');
    t.match(differences, [{ requestId: 'r-1', decided: /^sha256:[0-9a-f]{64}$/, reference: /^sha256:[0-9a-f]{64}$/ }]);
    t.not(differences[0]?.decided, differences[0]?.reference);
  }
  t.end();
});

test('both failing is agreement, one failing is not', (t) => {
  const both = compare(failing('too many steps'), failing('memory'));
  t.throws(() => both.decide(), { message: 'too many steps' });
  t.strictSame(both.differences, []);
  const first = compare(failing('x'), giving([{ result: true }]));
  t.throws(() => first.decide(), { message: 'x' });
  t.match(first.differences, [{ decided: 'failed', reference: /^sha256:/ }]);
  const second = compare(giving([{ result: true }]), failing('x'));
  t.strictSame(second.decide(), [{ result: true }]);
  t.match(second.differences, [{ reference: 'failed' }]);
  t.end();
});

test('where a difference is refused, neither answer stands', (t) => {
  const { decide, differences } = compare(giving([{ result: true }]), giving([{ result: false }]), { refuse: true });
  t.throws(() => decide(), { name: 'EvaluationError', message: /^the engines differ: plan sha256:.*, wasm sha256:/ });
  t.equal(differences.length, 1);
  const agreeing = compare(giving([{ result: true }]), giving([{ result: true }]), { refuse: true });
  t.strictSame(agreeing.decide(), [{ result: true }]);
  t.end();
});

test('the sample is a share of the ids, always the same ones', (t) => {
  const ids = Array.from({ length: 4000 }, () => crypto.randomUUID());
  const sampled = (share: number) => {
    const chosen = compare(giving(1), giving(2), { share });
    for (const id of ids) chosen.decide(id);
    t.equal(chosen.compared(), chosen.differences.length);
    return chosen.differences.map(({ requestId }) => requestId);
  };
  const tenth = sampled(0.1);
  t.ok(tenth.length > 280 && tenth.length < 520, `${tenth.length} of 4000`);
  t.strictSame(sampled(0.1), tenth);
  t.equal(sampled(1).length, ids.length);
  t.ok(new Set(sampled(0.2)).isSupersetOf(new Set(tenth)), 'a larger share keeps the smaller one');
  t.end();
});
