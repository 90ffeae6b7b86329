import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import { explainPlan } from '../../../policy/engines/plan/explain.ts';
import { defaultPlanLimits } from '../../../policy/engines/plan/limits.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';
import { compileRunaway, list, runaways, sharedResult } from './runaways.ts';

const run = promisify(execFile);
const limits = { ...defaultPlanLimits, maxMemoryBytes: 2 ** 31 };
const honest = { honest: true } as unknown as PolicyInput;
const nothing = {} as PolicyInput;

// How long a step takes is a measurement, and `bench/runaway.ts` makes it. Here the budget itself is what ends them: not a clock, and
// no more than was granted.
for (const [name, rules] of Object.entries(runaways)) {
  test(`${name}: undecided at its budget, and the next decision works`, async (t) => {
    const bundle = await compileRunaway(rules);
    for (const maxSteps of [2_000, defaultPlanLimits.maxSteps]) {
      const spent = `the policy used up its budget of ${maxSteps} steps (policy.max_steps)`;
      const engine = planEngine(bundle, { ...limits, maxSteps });
      for (const _again of [1, 2]) t.throws(() => engine.decide(nothing), { name: 'EvaluationError', message: spent });
      t.same(engine.decide(honest), [{ result: 1 }]);

      const explained = explainPlan(bundle, nothing, { limits: { ...limits, maxSteps } });
      t.match(explained.outcome, { error: spent });
      t.same(
        explainPlan(bundle, nothing, { limits: { ...limits, maxSteps } }),
        explained,
        'at the same step each time',
      );
      for (const { row, evaluated } of explained.lines) t.ok(evaluated <= maxSteps * 8, `line ${row}: ${evaluated}`);
    }
  });
}

test('a result whose parts are shared is refused by its size', async (t) => {
  const engine = planEngine(await compileRunaway(sharedResult));
  t.throws(() => engine.decide(nothing), {
    name: 'EvaluationError',
    message: new RegExp(`budget of ${defaultPlanLimits.maxSteps} steps|result is larger`),
  });
  t.same(engine.decide(honest), [{ result: 1 }]);
});

test('a budget is enough from one step on, always the same', async (t) => {
  const bundle = await compileRules('decision := count([1 | some i in numbers.range(1, 50); i % 2 == 0])');
  const decides = (maxSteps: number): boolean => {
    try {
      return planEngine(bundle, { ...limits, maxSteps }).decide(nothing) !== undefined;
    } catch {
      return false;
    }
  };
  const least = Array.from({ length: 500 }, (_, steps) => steps).find(decides) as number;
  t.ok(least > 50, `${least} steps`);
  for (const _again of [1, 2, 3]) t.same([decides(least - 1), decides(least)], [false, true]);
});

test('memory has a budget of its own', async (t) => {
  const bundle = await compileRules(
    'decision := [[i] | some i in data.list]',
    'test/decision',
    JSON.stringify({ list }),
  );
  t.throws(() => planEngine(bundle, { maxSteps: 1e9, maxMemoryBytes: 100_000 }).decide(nothing), {
    name: 'EvaluationError',
    message: /100000 bytes of memory \(policy\.max_memory\)/,
  });
});

const megabytes = 1024 * 1024;

/** What a process of its own reports. */
async function memoryOf(shape: string, cap: number) {
  const file = fileURLToPath(new URL('./allocate-without-end.ts', import.meta.url));
  // What measures coverage keeps every script there ever was.
  const { stdout } = await run(process.execPath, ['--expose-gc', file, shape, String(cap)], {
    env: { _TAPJS_PROCESSINFO_COVERAGE_: '0' },
  });
  return JSON.parse(stdout) as { readonly ended: string; readonly peak: number; readonly left: number };
}

for (const shape of ['arrays', 'texts', 'sets']) {
  test(`${shape} without end: the cap holds the memory, and all of it is given back`, async (t) => {
    const small = await memoryOf(shape, 16 * megabytes);
    const large = await memoryOf(shape, 256 * megabytes);
    t.match(small.ended, /used up its 16777216 bytes of memory \(policy\.max_memory\)/);
    t.match(large.ended, /used up its 268435456 bytes of memory \(policy\.max_memory\)/);
    // The cap is an estimate of what values take. Garbage that nobody has collected yet comes on top.
    t.ok(small.peak < 96 * megabytes, `16 MiB granted, ${small.peak} bytes taken`);
    t.ok(large.peak > 128 * megabytes && large.peak < 768 * megabytes, `256 MiB granted, ${large.peak} bytes taken`);
    t.ok(small.left < 4 * megabytes && large.left < 4 * megabytes, `${small.left} and ${large.left} bytes left`);
  });
}

test('an honest policy over ten thousand rules is decided', async (t) => {
  const rules = list.map((id) => ({ id, method: ['GET', 'PUT'][id % 2], path: `/p${id}`, roles: ['a', 'b'] }));
  const text =
    'decision := [r.id | some r in data.rules; r.method == input.method; startswith(input.path, r.path); "a" in r.roles]';
  const bundle = await compileRules(text, 'test/decision', JSON.stringify({ rules }));
  const input = { method: 'GET', path: '/p42' } as unknown as PolicyInput;
  for (const indexed of [true, false]) {
    t.same(planEngine(bundle, undefined, { indexed }).decide(input), [{ result: [4, 42] }]);
  }
});

test('a hundred reloads leave nothing behind', async (t) => {
  const file = fileURLToPath(new URL('./reload-many-times.ts', import.meta.url));
  // What measures coverage keeps every script there ever was.
  const { stdout } = await run(process.execPath, ['--expose-gc', file], { env: { _TAPJS_PROCESSINFO_COVERAGE_: '0' } });
  const left = Number(stdout);
  t.ok(Number.isInteger(left) && left < 8_000_000, `${stdout} bytes`);
});
