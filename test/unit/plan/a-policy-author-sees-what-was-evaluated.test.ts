import { test } from 'tap';
import { explainPlan } from '../../../policy/engines/plan/explain.ts';
import { linearScans } from '../../../policy/engines/plan/linear-scans.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

const bundle = await compileRules(
  `
default decision := false
decision if {
	some r in data.rules
	startswith(input.path, r.path)
}
decision if {
	some r in data.rules
	r.method == input.method
	to_number(input.path) == 1
}`,
  'test/decision',
  '{"rules": [{"method": "GET", "path": "/a"}, {"method": "PUT", "path": "/b"}]}',
);
const asked = { method: 'GET', path: '/c' } as unknown as PolicyInput;

test('an explanation names the rule, the lines it got to, and those that failed', (t) => {
  const { outcome, lines } = explainPlan(bundle, asked);
  t.same(outcome, { results: [{ result: false }] });
  const row = (wanted: number) => lines.find((line) => line.row === wanted);
  t.match(row(6), { rule: 'data.test.decision', file: /rules\.rego$/, failed: 2 });
  t.match(row(10), { failed: 1 });
  t.match(row(11), { failed: 1 });
  t.end();
});

test('a scan that no index serves is named with its place, one that an index serves is not', (t) => {
  t.match(linearScans(bundle.plan), [{ file: /rules\.rego$/, row: 5, path: ['rules'] }]);
  t.end();
});

test('a built-in that fails is undefined, or with strict errors the end of the decision', (t) => {
  t.same(planEngine(bundle).decide(asked), [{ result: false }]);
  const strict = planEngine(bundle, undefined, { strictBuiltinErrors: true });
  t.throws(() => strict.decide(asked), { name: 'EvaluationError', message: /^to_number: / });
  t.end();
});
