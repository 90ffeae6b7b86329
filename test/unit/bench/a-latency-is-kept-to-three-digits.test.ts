import fc from 'fast-check';
import { test } from 'tap';
import { createHistogram, decodeHistogram, type LatencyHistogram } from '../../../bench/statistics/histogram.ts';

/** From a tenth of a microsecond to ten minutes. */
const micros = fc.double({ min: 0.1, max: 6e8, noNaN: true });
const many = fc.array(micros, { minLength: 1, maxLength: 300 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = createHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** A recorded value is a whole number of nanoseconds, and known to three digits. */
const near = (told: number, exact: number) => Math.abs(told - exact) <= exact / 1000 + 0.002;

test('a share is answered with the value that it does not exceed', async (t) => {
  fc.assert(
    fc.property(many, share, (values, wanted) => {
      const sorted = values.toSorted((a, b) => a - b);
      // The histogram rounds the rank to the nearest one.
      const rank = Math.max(1, Math.ceil(wanted * sorted.length - 0.5));
      const told = histogramOf(values).at(wanted);
      const around = [rank - 1, rank, rank + 1].map((each) => sorted[each - 1]).filter((each) => each !== undefined);
      return around.some((exact) => near(told, exact));
    }),
  );
  t.pass();
});

test('the longest and the number of operations are never lost', async (t) => {
  fc.assert(
    fc.property(many, (values) => {
      const histogram = histogramOf(values);
      return histogram.count() === values.length && near(histogram.at(1), Math.max(...values));
    }),
  );
  t.pass();
});

test('merged, or sent as text and merged, is the same as recorded in one', async (t) => {
  fc.assert(
    fc.property(many, many, (some, others) => {
      const merged = histogramOf(some);
      merged.merge(decodeHistogram(histogramOf(others).encode()));
      t.same(merged.latency(), histogramOf([...some, ...others]).latency());
    }),
    { numRuns: 30 },
  );
});

test('the distribution rises in both, and ends with everything', async (t) => {
  fc.assert(
    fc.property(many, (values) => {
      const { distribution, max } = histogramOf(values).latency();
      t.same(distribution.at(-1), [1, max]);
      return distribution.every(([at, value], index) => {
        const [before, smaller] = distribution[index - 1] ?? [-1, -1];
        return at > before && value > smaller;
      });
    }),
    { numRuns: 30 },
  );
});

test('what is beyond an hour counts as an hour, and below nothing as nothing', async (t) => {
  const histogram = histogramOf([1e12, -5]);
  t.equal(histogram.count(), 2);
  t.ok(near(histogram.at(1), 3600e6));
  t.equal(histogram.at(0), 0);
});

test('an empty one tells nothing', async (t) => {
  t.same(createHistogram().latency(), { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, distribution: [] });
});
