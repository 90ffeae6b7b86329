import { test } from 'tap';

type Totals = { passed: number; failed: number; neither: number } | undefined;
const { failures, totals } = (await import(new URL('../../../.ci/test.mjs', import.meta.url).href)) as {
  failures: (rawTap: string) => readonly string[];
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

test('what failed is told with the tests around it and what tap says of it, and nothing else is', async (t) => {
  const raw = `TAP version 14
# Subtest: test/e2e/a.test.ts
    # Subtest: first
        ok 1 - fine
        not ok 2 - one is two
          ---
          compare: ===
          diff: |
            not ok 7 - text of a test
          ...
        ok 3 - fine
        1..3
    not ok 1 - first # time=3.1ms
    # Subtest: second
        not ok 1 - later # TODO
        1..1
    ok 2 - second # time=1ms
    not ok 3 - without details
    1..3
not ok 1 - test/e2e/a.test.ts # time=9ms
ok 2 - test/e2e/b.test.ts # time=9ms
`;
  const details = /^ {10}---$[^]*?^ {10}\.\.\.$/m.exec(raw)?.[0];
  t.same(failures(raw), [
    `test/e2e/a.test.ts > first > one is two\n${details}`,
    'test/e2e/a.test.ts > first # time=3.1ms',
    'test/e2e/a.test.ts > without details',
    'test/e2e/a.test.ts # time=9ms',
  ]);
  t.same(failures('TAP version 14\nok 1 - x\n'), []);
});
