import { test } from 'tap';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

/** Far fewer than a scan of the list takes. */
const limits = { maxSteps: 1000, maxMemoryBytes: 1024 * 1024 };
const list = Array.from({ length: 10_000 }, (_, id) => ({ id: `r${id}` }));

test('a data thread, which is sent its bundle by structured clone, scans no list that has an index', async (t) => {
  const rule = 'decision if { some r in data.list; r.id == input.id }';
  const bundle = await compileRules(rule, 'test/decision', JSON.stringify({ list }));
  for (const sent of [bundle, structuredClone(bundle)]) {
    const { decide } = planEngine(sent, limits);
    t.same(decide({ id: 'r9999' } as unknown as PolicyInput), [{ result: true }]);
  }
});
