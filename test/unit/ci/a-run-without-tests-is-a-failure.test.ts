import { test } from 'tap';

type Totals = { passed: number; failed: number; neither: number } | undefined;
const { totals } = (await import(new URL('../../../.ci/test.mjs', import.meta.url).href)) as {
  totals: (rawTap: string) => Totals;
};

test("tap's own totals are read from its last summary", async (t) => {
  const raw =
    'TAP version 14\n# { total: 1, pass: 1 }\nok 1 - x\n# { total: 9, pass: 5, fail: 2, skip: 1, todo: 1 }\n# time=3ms\n';
  t.same(totals(raw), { passed: 5, failed: 2, neither: 2 });
});

test('without a summary there are no totals, so that a crashed run cannot look empty and fine', async (t) => {
  t.equal(totals('TAP version 14\nok 1 - x\n'), undefined);
  t.equal(totals(''), undefined);
});
