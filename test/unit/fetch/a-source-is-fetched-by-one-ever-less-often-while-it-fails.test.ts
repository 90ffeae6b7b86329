import { test } from 'tap';
import { keepFetched, type Source } from '../../../proxy/fetch/keep-fetched.ts';

/** A clock, timers and a server that the test holds in its hands. */
function world() {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const answers: (string | Error)[] = [];
  const seen = { asked: 0, changes: [] as (string | undefined)[], outcomes: [] as boolean[] };
  const fetched = keepFetched<string>({
    nowMs: () => nowMs,
    same: (one, other) => one === other,
    changed: (_, value) => seen.changes.push(value),
    outcome: (_, problem) => seen.outcomes.push(problem === undefined),
    schedule: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    random: () => 0,
  });
  const source = (definition = '', manner = ''): Source<string> => ({
    name: 'it',
    definition,
    manner,
    fetch: async () => {
      seen.asked++;
      const answer = answers.shift() ?? new Error('down');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    restMs: () => 60_000,
    endMs: (_, fetchedMs) => fetchedMs + 100_000,
  });
  /** Lets the time pass, timer by timer, and what they began come to its end. */
  const pass = async (ms: number) => {
    const untilMs = nowMs + ms;
    for (;;) {
      const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      nowMs = Math.max(nowMs, next.atMs);
      timers.delete(next);
      next.run();
      await new Promise(setImmediate);
    }
    nowMs = untilMs;
  };
  return { fetched, source, answers, seen, pass, timers };
}

test('what was fetched is in use until its end, whatever fails', async (t) => {
  const { fetched, source, answers, seen, pass } = world();
  answers.push('one', 'one', 'two');
  await fetched.follow([source()]);
  t.equal(fetched.get('it'), 'one');
  await pass(60_000);
  t.same([seen.asked, seen.changes], [2, ['one']], 'the same again is no change');
  await pass(60_000);
  t.equal(fetched.get('it'), 'two');
  await pass(99_000);
  t.equal(fetched.get('it'), 'two', 'it fails since then');
  await pass(2000);
  t.equal(fetched.get('it'), undefined);
  t.same(seen.changes, ['one', 'two', undefined]);
  answers.push('three');
  await pass(300_000);
  t.ok(seen.changes.includes('three'), 'and is in use again when it has come');
});

test('the time between two attempts doubles, up to five minutes', async (t) => {
  const { fetched, source, seen, pass } = world();
  await fetched.follow([source()]);
  const after: number[] = [];
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
    await pass(seconds * 1000 - 1);
    const before = seen.asked;
    await pass(1);
    after.push(seen.asked - before);
  }
  t.same(
    after,
    Array.from({ length: 11 }, () => 1),
  );
  t.equal(seen.asked, 12);
});

test('who asks for more is heard once in five seconds, for all together', async (t) => {
  const { fetched, source, answers, seen, pass } = world();
  answers.push('one', 'two', 'three');
  const first = fetched.follow([source()]);
  for (let index = 0; index < 100; index++) fetched.ask('it');
  await first;
  for (let index = 0; index < 100; index++) fetched.ask('it');
  t.equal(seen.asked, 1);
  await pass(4999);
  t.equal(seen.asked, 1);
  await pass(1);
  t.same([seen.asked, fetched.get('it')], [2, 'two']);
  await pass(10_000);
  t.equal(seen.asked, 2);
  for (let index = 0; index < 100; index++) fetched.ask('it');
  await pass(0);
  t.same([seen.asked, fetched.get('it')], [3, 'three'], 'at once, where the last time is long ago');
});

test('another definition is another source, and what is not followed is forgotten', async (t) => {
  const { fetched, source, answers, seen, pass, timers } = world();
  answers.push('one', 'two');
  await fetched.follow([source()]);
  await fetched.follow([source()]);
  t.equal(seen.asked, 1);
  await fetched.follow([source('other')]);
  t.equal(fetched.get('it'), 'two');
  await fetched.follow([source('other', 'more often')]);
  t.same([seen.asked, fetched.get('it')], [3, 'two'], 'fetched in another manner: what there is stays, whatever fails');
  await fetched.follow([source('again')]);
  t.same([seen.asked, fetched.get('it')], [4, undefined], 'nothing of another source');
  await fetched.follow([]);
  t.equal(fetched.get('it'), undefined);
  await pass(1_000_000);
  t.equal(seen.asked, 4);
  t.equal(timers.size, 0);
});
