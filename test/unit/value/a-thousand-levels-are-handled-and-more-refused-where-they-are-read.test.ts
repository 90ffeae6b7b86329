import { test } from 'tap';
import { keyOf } from '../../../policy/value/key.ts';
import { compareValues, equalValues } from '../../../policy/value/order.ts';
import { readJson } from '../../../policy/value/read-json.ts';
import { readValue, ValueTextError } from '../../../policy/value/read-text.ts';
import { jsonText, valueText } from '../../../policy/value/text.ts';
import { call } from '../builtins/call.ts';

const nested = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);

const shapes = [
  ['arrays', nested('[', ']', 1_000)],
  ['objects', `${'{"a":'.repeat(999)}{}${'}'.repeat(999)}`],
  ['sets', `${'{'.repeat(999)}[]${'}'.repeat(999)}`],
  ['keys', `${'{'.repeat(999)}[]${':1}'.repeat(999)}`],
] as const;

for (const [what, text] of shapes) {
  test(`a thousand levels of ${what}`, async (t) => {
    const [a, b] = [readValue(text), readValue(text)];
    t.equal(valueText(a), text);
    // As JSON each key that is none is quoted once more, which doubles it: nobody asks for that of a thousand.
    if (what !== 'keys') t.type(jsonText(a), 'string');
    t.ok(equalValues(a, b));
    t.equal(compareValues(a, b), 0);
    t.equal(keyOf(a), keyOf(b));
  });
}

test('deeper JSON in a string is refused, and so is what a policy makes deeper', async (t) => {
  t.ok(readJson(nested('[', ']', 1_000)));
  t.throws(() => readJson(nested('[', ']', 1_001)), ValueTextError);
  t.throws(() => readJson(nested('[', ']', 1_000_000)), ValueTextError);
  const path = ['a'];
  const doubling = Array.from({ length: 12 }, (_, i) => ({
    op: 'copy',
    from: '',
    path: Array(2 ** i).fill('a') as string[],
  }));
  t.throws(() => call('json.patch', { a: 1 }, doubling), /deeper than/);
  t.ok(call('json.patch', { a: 1 }, [{ op: 'copy', from: '', path }]));
});
