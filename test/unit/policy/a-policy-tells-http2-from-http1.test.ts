import { test } from 'tap';
import { decide } from '../../../policy/decision.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings } from '../../../policy/engines/settings.ts';
import { compileRules, facts, input } from './policies.ts';

const rules = `
default decision := false

decision if input.attributes.request.http.protocol == "HTTP/2"
`;

void test('with each engine, and when decisions are kept', async (t) => {
  const bundle = await compileRules(rules);
  const cache = { maxEntries: 8, maxBytes: 64 * 1024 };
  for (const engine of ['plan', 'wasm'] as const) {
    for (const settings of [
      { ...defaultSettings, engine },
      { ...defaultSettings, engine, cache },
    ]) {
      const opened = await openEngine(bundle, settings);
      const verdict = (protocol: 'HTTP/1.1' | 'HTTP/2') =>
        decide(opened, input({ request: { ...facts().request, protocol } })).kind;
      const verdicts = [verdict('HTTP/1.1'), verdict('HTTP/2'), verdict('HTTP/1.1'), verdict('HTTP/2')];
      t.same(verdicts, ['deny', 'allow', 'deny', 'allow'], engine);
    }
  }
});
