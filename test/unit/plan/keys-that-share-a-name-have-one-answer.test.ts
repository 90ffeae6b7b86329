import { test } from 'tap';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

test('1 and "1" are two keys in Rego and one name in JSON: the text counts, whichever came first', async (t) => {
  const bundle = await compileRules('decision[k] := type_name(k) if some k in input.keys');
  for (const keys of [
    [1, '1'],
    ['1', 1],
    ['null', null, 'true', true],
    [true, 'true', null, 'null'],
  ]) {
    const input = { keys } as unknown as PolicyInput;
    const expected = [{ result: Object.fromEntries(keys.map((key) => [String(key), 'string'])) }];
    t.strictSame(planEngine(bundle).decide(input), expected);
    t.strictSame(wasmEngine(bundle).decide(input), expected);
  }
});
