import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'tap';
import { abacWorkload } from '../../../bench/workload/abac/workload.ts';
import { makeBundle, type PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { EvaluationError, type PolicyEngine } from '../../../policy/engine.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

async function workload(lookup: 'linear' | 'indexed', rules: number) {
  const { rego, entrypoint, data, inputs } = abacWorkload(lookup, rules);
  const bundle = await buildPolicy({ regoPaths: rego, entrypoint });
  return { bundle: makeBundle({ ...bundle, data }), inputs: inputs as readonly unknown[] };
}

function answer(engine: PolicyEngine, input: unknown): unknown {
  try {
    return engine.decide(input as PolicyInput);
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return 'evaluation failed';
    throw thrown;
  }
}

/** The input without one of its parts, or with something else in its place, for every part. */
function* variants(input: unknown): Generator<unknown> {
  yield input;
  for (const path of paths(input)) {
    for (const put of [undefined, null, 1, 'x', [], {}, [true]]) yield changed(input, path, put);
  }
}

function paths(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [[name], ...paths(part).map((path) => [name, ...path])]);
}

function changed(value: unknown, [name = '', ...rest]: readonly string[], put: unknown): unknown {
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...(value as unknown[])] as never)
    : { ...(value as object) };
  if (rest.length > 0) copy[name] = changed(copy[name], rest, put);
  else if (put === undefined && !Array.isArray(value)) Reflect.deleteProperty(copy, name);
  else copy[name] = put ?? null;
  return copy;
}

for (const lookup of ['linear', 'indexed'] as const) {
  test(`a policy with rules ${lookup} answers as OPA's WebAssembly does, whatever is wrong with the input`, async (t) => {
    const { bundle, inputs } = await workload(lookup, 100);
    const [plan, wasm] = [planEngine(bundle), wasmEngine(bundle)];
    for (const input of inputs) t.same(plan.decide(input as PolicyInput), wasm.decide(input as PolicyInput));
    let compared = 0;
    for (const input of variants(inputs[3])) {
      compared++;
      const [fast, reference] = [answer(plan, input), answer(wasm, input)];
      if (!isDeepStrictEqual(fast, reference)) t.same(fast, reference);
    }
    t.ok(compared > 300);
  });
}

const rules = `
by_method := [r.id | some r in data.rules; r.method == input.method]
by_both := [r.id | some r in data.rules; r.match.tier == input.tier; r.method == input.method]
by_text := [r.id | some r in data.rules; r.match.path == concat("/", ["", input.name])]
by_key := [k | some k, r in data.named; r.method == input.method]
literal := [r.id | some r in data.rules; "GET" == r.method; r.match.tier != input.tier]
first := r.id if {
	some r in data.rules
	r.method == input.method
	r.match.tier == 1
}
decision := {"a": by_method, "b": by_both, "c": by_text, "d": by_key, "e": literal}
other := first
`;

/** Enough elements for an index, with parts missing, and of types that only look alike. */
const part = fc.constantFrom<unknown>('GET', 'PUT', '', 0, 1, '1', 1.5, null, true, 'true', [], ['GET'], {}, 1e300);
const rule = fc.record(
  {
    method: part,
    match: fc.oneof(part, fc.record({ tier: part, path: fc.constantFrom('/a', '/b', '/') }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
);

test('an index changes no answer and no order', async (t) => {
  const bundle: PolicyBundle = await compileRules(rules, 'test/decision', '{}');
  fc.assert(
    fc.property(fc.array(rule, { minLength: 28, maxLength: 48 }), part, part, (list, method, tier) => {
      const rows = list.map((row, id) => ({ id, ...row }));
      const data = frozen({ rules: rows, named: Object.fromEntries(rows.map((row) => [`k${row.id}`, row])) });
      const input = { method, tier, name: 'a' } as unknown as PolicyInput;
      const [plain, indexed] = [false, true].map((useIndex) => {
        return planEngine({ ...bundle, data }, undefined, { indexed: useIndex });
      }) as [PolicyEngine, PolicyEngine];
      return JSON.stringify(answer(plain, input)) === JSON.stringify(answer(indexed, input));
    }),
    { numRuns: 150 },
  );
  t.end();
});

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) frozen(child);
  return Object.freeze(value);
}
