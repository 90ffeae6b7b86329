import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'tap';
import { plainJson } from '../../../policy/engines/plan/plain-json.ts';
import { quickResult } from '../../../policy/engines/quick-result.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { valueText } from '../../../policy/value/text.ts';
import { values } from '../value/values.ts';

const whole = (text: string): unknown => plainJson(readValue(text));

test('what is read quickly is what the whole reader reads', async (t) => {
  let quick = 0;
  fc.assert(
    fc.property(values, (value) => {
      const text = valueText(value);
      const read = quickResult(text);
      if (read === undefined) return true;
      quick++;
      return isDeepStrictEqual(read, whole(text));
    }),
    { numRuns: 2000 },
  );
  t.ok(quick > 100, `${quick} were read quickly`);
});

test("with OPA's blanks, sets in order, and sets in sets", async (t) => {
  const texts = [
    '{{"result": {"allow": true, "reasons": set(), "rule_ids": {"b", "a", "é", "B"}, "n": [1, 20, 0]}}}',
    '{{"result": {"o": {{"b": 1}, {"a": 2}}, "l": {[2], [1, 0]}, "e": {}, "f": false}}}',
    '{3, 1, 2}',
    '{{1, 2}}',
    '{}',
  ];
  for (const text of texts) {
    t.not(quickResult(text), undefined, text);
    t.strictSame(quickResult(text), whole(text), text);
  }
});

test('what means something else, or nothing, is left to the whole reader', async (t) => {
  const texts = [
    '{{"a": "\\n"}}',
    '{{1: 2}}',
    '{{"__proto__": 1}}',
    '{{"a": 1.5}}',
    '{-1}',
    '{1234567890}',
    '{1e3}',
    '{null}',
    '{{{1}, 2}, {3}}',
    '{{"a": 1}',
    '{"a" "b"}',
    '{"a", }',
    '{tru}',
    '{"a}',
    '{1} ',
    '',
    '['.repeat(1000),
    `{"${'x'.repeat(70_000)}"}`,
  ];
  for (const text of texts) t.equal(quickResult(text), undefined, text.slice(0, 20));
});
