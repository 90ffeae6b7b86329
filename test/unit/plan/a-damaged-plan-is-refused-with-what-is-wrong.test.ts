import { test } from 'tap';
import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { openPlan } from '../../../policy/engines/plan/open.ts';
import { compileRules } from '../policy/policies.ts';

const bundle = await compileRules('decision if count(input.list) == input.n');
const place = { file: 0, row: 1, col: 1 };
const local = (value: unknown) => ({ type: 'local', value });

/** A plan of one function that consists of the statements. */
function planOf(stmts: readonly unknown[], more: object = {}): string {
  return JSON.stringify({
    static: { strings: [{ value: 'a' }], files: [{ value: 'x.rego' }], builtin_funcs: [] },
    plans: { plans: [{ name: 'e', blocks: [{ stmts: [] }] }] },
    funcs: { funcs: [{ name: 'f', params: [0, 1], return: 2, blocks: [{ stmts }] }] },
    ...more,
  });
}

const statement = (type: string, fields: object) => ({ type, stmt: { ...place, ...fields } });

test('a plan that was cut short anywhere is refused', (t) => {
  for (let length = 0; length < bundle.plan.length; length += 97) {
    const plan = bundle.plan.slice(0, length);
    t.throws(() => openPlan({ plan, data: {} }), { code: 'plan-invalid', message: /not JSON/ });
  }
  t.end();
});

test('every part that is not what the plan needs is named', (t) => {
  const deep = (depth: number): unknown =>
    depth === 0 ? statement('NopStmt', {}) : statement('BlockStmt', { blocks: [{ stmts: [deep(depth - 1)] }] });
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[]', /the plan is no object/],
    ['{}', /plans is no object/],
    [planOf([statement('EvalStmt', {})]), /unknown type "EvalStmt"/],
    [planOf([statement('__proto__', {})]), /unknown type "__proto__"/],
    [planOf([statement('ReturnLocalStmt', { source: -1 })]), /source is -1, not an integer/],
    [planOf([statement('ReturnLocalStmt', { source: 1e9 })]), /not an integer from 0 to 1000000/],
    [planOf([statement('ReturnLocalStmt', { source: '1); evil(' })]), /source is string/],
    [planOf([statement('BreakStmt', { index: 1 })]), /index is 1, not an integer from 0 to 0/],
    [planOf([statement('CallStmt', { func: 'g', args: [], result: 3 })]), /calls g, which is neither/],
    [
      planOf([statement('CallStmt', { func: 'f', args: [local(0)], result: 3 })]),
      /calls f with 1 operands instead of 2/,
    ],
    [planOf([statement('MakeNumberRefStmt', { index: 0, target: 3 })]), /makes a number of "a"/],
    [planOf([statement('MakeNumberRefStmt', { index: 7, target: 3 })]), /index is 7/],
    [planOf([statement('AssignVarStmt', { source: { type: 'code', value: 1 }, target: 3 })]), /unknown type "code"/],
    [planOf([statement('ResultSetAddStmt', { value: 3 })]), /adds to the result set/],
    [planOf([statement('CallDynamicStmt', { args: [0, 1], path: [], result: 3 })]), /dynamic call/],
    [planOf([{ type: 'NopStmt', stmt: { file: 3, row: 1, col: 1 } }]), /file is 3/],
    [planOf([deep(300)]), /nests deeper/],
    [planOf([], { funcs: { funcs: [{ name: 'f', params: [1, 0], blocks: [] }] } }), /does not take the input/],
  ];
  for (const [plan, message] of cases) {
    t.throws(() => openPlan({ plan, data: {} }), { code: 'plan-invalid', message }, String(message));
  }
  t.end();
});

test('an entrypoint that is missing, and a built-in that is refused, are named when the policy is loaded', (t) => {
  t.throws(() => planEngine(makeBundle({ ...bundle, entrypoint: 'test/other' })), {
    code: 'entrypoint-missing',
    message: /named test\/other; the policy has test\/decision/,
  });
  const asking = planOf([statement('CallStmt', { func: 'http.send', args: [local(0)], result: 3 })], {
    static: {
      strings: [],
      files: [{ value: 'x' }],
      builtin_funcs: [{ name: 'http.send', decl: { args: [{}], result: {} } }],
    },
  });
  t.throws(() => openPlan({ plan: asking, data: {} }), { code: 'builtin-refused', message: /http\.send is refused/ });
  t.end();
});
