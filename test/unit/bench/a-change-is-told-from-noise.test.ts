import fc from 'fast-check';
import { test } from 'tap';
import { compare } from '../../../bench/compare/compare.ts';
import type { BenchResult, Round } from '../../../bench/result.ts';
import { fewestRounds, ratioInterval, spread } from '../../../bench/statistics/rounds.ts';
import { benchResult, benchSubject } from '../../harness/bench-result.ts';

const rounds = fc.array(fc.double({ min: 0.5, max: 1e6, noNaN: true }), { minLength: fewestRounds, maxLength: 15 });

test('the same rounds in any order have the same interval, which holds the ratio', async (t) => {
  fc.assert(
    fc.property(rounds, rounds, (before, after) => {
      const told = ratioInterval(before, after);
      t.same(ratioInterval(before.toReversed(), after.toReversed()), told);
      return told !== undefined && told.low <= told.ratio && told.ratio <= told.high;
    }),
    { numRuns: 20 },
  );
});

test('a factor on one side is a factor of the whole interval', async (t) => {
  fc.assert(
    fc.property(rounds, rounds, (before, after) => {
      const once = ratioInterval(before, after);
      const twice = ratioInterval(
        before,
        after.map((value) => value * 2),
      );
      t.same(twice, once && { ratio: once.ratio * 2, low: once.low * 2, high: once.high * 2 });
    }),
    { numRuns: 20 },
  );
});

test('rounds against themselves are never a change', async (t) => {
  fc.assert(
    fc.property(rounds, (values) => {
      const { ratio, low, high } = ratioInterval(values, values) ?? { ratio: 0, low: 0, high: 0 };
      return ratio === 1 && low <= 1 && high >= 1;
    }),
    { numRuns: 20 },
  );
  t.pass();
});

/** The same noise in every run of this test; as skewed as latencies are. */
function noise(): () => number {
  let state = 1;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return () => Math.exp(0.2 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

test('noise alone is called a change about once in a hundred times, and a change of a half hardly missed', async (t) => {
  const next = noise();
  for (const size of [5, 10]) {
    const sample = (factor: number) => Array.from({ length: size }, () => next() * factor);
    let falseAlarms = 0;
    let missed = 0;
    for (let time = 0; time < 80; time++) {
      const same = ratioInterval(sample(100), sample(100));
      if (same !== undefined && (same.low > 1 || same.high < 1)) falseAlarms += 1;
      const slower = ratioInterval(sample(100), sample(250));
      if (slower === undefined || slower.low <= 1) missed += 1;
    }
    t.ok(falseAlarms <= 3, `${size} rounds: ${falseAlarms} false alarms in 80`);
    t.ok(missed <= 3, `${size} rounds: ${missed} missed in 80`);
  }
});

test('with too few rounds, or a zero, there is no interval', async (t) => {
  t.equal(ratioInterval([1, 2, 3, 4], [1, 2, 3, 4, 5]), undefined);
  t.equal(ratioInterval([1, 2, 3, 4, 5], [1, 2, 3, 4]), undefined);
  t.equal(ratioInterval([0, 2, 3, 4, 5], [1, 2, 3, 4, 5]), undefined);
  t.same(spread([3]), { median: 3, min: 3, max: 3 });
});

const one = (micros: number, change: Parameters<typeof benchSubject>[0] = {}): BenchResult =>
  benchResult({ subjects: [benchSubject({ name: 'portcullis', ...change }, micros)] });

const verdicts = (before: BenchResult, after: BenchResult, threshold = 0.05) =>
  compare(before, after, threshold).changes.map(({ figure, verdict }) => `${figure}: ${verdict}`);

test('slower beyond noise is a regression only above the threshold', async (t) => {
  t.same(verdicts(one(10), one(11)), ['p50: regression', 'p99: regression', 'CPU: regression']);
  t.same(verdicts(one(10), one(11), 0.2), ['p50: slower', 'p99: slower', 'CPU: slower']);
  t.same(verdicts(one(10), one(9)), ['p50: faster', 'p99: faster', 'CPU: faster']);
  t.same(verdicts(one(10), one(10)), ['p50: noise', 'p99: noise', 'CPU: noise']);
  t.same(compare(one(10), one(11), 0.2).regressions, []);
  t.match(compare(one(10), one(11), 0.05).regressions[0], /^portcullis: p50 1\.10x$/);
});

test('a figure that one side lacks, or that is zero, is not compared', async (t) => {
  const without = (change: Partial<Round>): BenchResult => {
    const [subject] = one(10).subjects;
    if (subject === undefined) throw new Error('no subject');
    return benchResult({
      subjects: [{ ...subject, rounds: subject.rounds.map((round) => ({ ...round, ...change })) }],
    });
  };
  t.same(verdicts(one(10), without({ cpu: null })), ['p50: noise', 'p99: noise', 'CPU: not measured']);
  t.same(verdicts(without({ cpu: 0 }), one(10)), ['p50: noise', 'p99: noise', 'CPU: not measured']);
  const failing = compare(one(10), without({ failures: 3, p50: 1 }), 0.05);
  t.same(failing.regressions, ['portcullis: 21 operations failed, none before'], 'quick failures are no progress');
  t.same(compare(without({ failures: 3 }), without({ failures: 2 }), 0.05).regressions, []);
});

test('too few rounds on one subject are said, on all of them refused', async (t) => {
  const few = benchSubject({ name: 'new' }, 5, 4);
  const enough = benchSubject({ name: 'old' }, 5);
  const mixed = benchResult({ subjects: [few, enough] });
  const told = compare(mixed, mixed, 0.05).changes.filter(({ subject }) => subject === 'new');
  t.same(
    told.map(({ verdict }) => verdict),
    ['too few rounds', 'too few rounds', 'too few rounds'],
  );
  const short = benchResult({ subjects: [few] });
  t.throws(() => compare(short, short, 0.05), {
    code: 'bench-results-not-comparable',
    message: /too few rounds .* 4, and 5/,
  });
});

test('when all subjects change together the machine is suspected', async (t) => {
  const both = (factor: number) =>
    benchResult({ subjects: [benchSubject({ name: 'a' }, 3 * factor), benchSubject({ name: 'b' }, 9 * factor)] });
  t.match(compare(both(1), both(1.5), 0.05).doubts, [/every subject has changed/]);
  t.match(compare(both(1.5), both(1), 0.05).doubts, [/every subject has changed/]);
  t.same(compare(both(1), both(1), 0.05).doubts, []);
});
