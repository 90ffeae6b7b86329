import fc from 'fast-check';
import { test } from 'tap';
import { arrive, emissionIntervalUs, type Quota } from '../../../proxy/limit/gcra.ts';

const quotas = fc.record({
  requests: fc.integer({ min: 1, max: 5000 }),
  perMs: fc.integer({ min: 1, max: 86_400_000 }),
  burst: fc.integer({ min: 1, max: 50 }),
});

/** Times of arrival, in order, some at the same instant. */
const arrivals = fc
  .array(fc.integer({ min: 0, max: 3_000_000 }), { minLength: 1, maxLength: 200 })
  .map((gaps) => gaps.map((gap, index) => (index % 3 === 0 ? 0 : gap)));

function run(quota: Quota, gaps: readonly number[], start = 1_000_000) {
  let tatUs = 0;
  let nowUs = start;
  return gaps.map((gap) => {
    nowUs += gap;
    const arrival = arrive(tatUs, quota, nowUs);
    tatUs = arrival.tatUs;
    return { nowUs, tatUs, verdict: arrival.verdict };
  });
}

test('no window ever holds more than burst + rate * length', (t) => {
  fc.assert(
    fc.property(quotas, arrivals, (quota, gaps) => {
      const passed = run(quota, gaps).filter(({ verdict }) => verdict.allowed);
      return passed.every((from, first) =>
        passed.slice(first).every((to, index) => {
          const most = quota.burst + ((to.nowUs - from.nowUs) * quota.requests) / (quota.perMs * 1000);
          return index + 1 <= most + 1e-9;
        }),
      );
    }),
  );
  t.end();
});

test('remaining is truthful: exactly so many more pass at the same instant', (t) => {
  fc.assert(
    fc.property(quotas, arrivals, (quota, gaps) => {
      const last = run(quota, gaps).at(-1);
      if (last === undefined) return false;
      let { tatUs } = last;
      for (let more = 0; more < last.verdict.remaining; more += 1) {
        const next = arrive(tatUs, quota, last.nowUs);
        if (!next.verdict.allowed) return false;
        tatUs = next.tatUs;
      }
      return !arrive(tatUs, quota, last.nowUs).verdict.allowed;
    }),
  );
  t.end();
});

test('retry-after is truthful: one microsecond before it is refused, then it passes', (t) => {
  fc.assert(
    fc.property(quotas, fc.integer({ min: 0, max: 10_000 }), (quota, offset) => {
      const used = run(
        quota,
        Array.from({ length: quota.burst }, () => 0),
      ).at(-1);
      if (used === undefined) return false;
      const nowUs = used.nowUs + (offset % emissionIntervalUs(quota));
      const { verdict } = arrive(used.tatUs, quota, nowUs);
      if (verdict.allowed) return false;
      const againUs = nowUs + Math.round(verdict.retryAfterMs * 1000);
      return (
        !arrive(used.tatUs, quota, againUs - 1).verdict.allowed && arrive(used.tatUs, quota, againUs).verdict.allowed
      );
    }),
  );
  t.end();
});

test('reset is truthful: after it the whole burst is there again', (t) => {
  fc.assert(
    fc.property(quotas, arrivals, (quota, gaps) => {
      const last = run(quota, gaps).at(-1);
      if (last === undefined) return false;
      const resetUs = last.nowUs + Math.round(last.verdict.resetMs * 1000);
      return arrive(last.tatUs, quota, resetUs).verdict.remaining === quota.burst - 1;
    }),
  );
  t.end();
});

test('a refused request costs nothing', (t) => {
  const quota = { requests: 1, perMs: 1000, burst: 1 };
  const { tatUs } = arrive(0, quota, 5_000_000);
  const refused = arrive(tatUs, quota, 5_400_000);
  t.same(refused, { tatUs, verdict: { allowed: false, remaining: 0, resetMs: 600, retryAfterMs: 600 } });
  t.same(arrive(refused.tatUs, quota, 6_000_000).verdict, { allowed: true, remaining: 0, resetMs: 1000 });
  t.end();
});

test('a burst that shrinks on reload never locks out for longer than its own refill', (t) => {
  const wide = { requests: 10, perMs: 1000, burst: 10 };
  const { tatUs } = run(
    wide,
    Array.from({ length: 10 }, () => 0),
  ).at(-1) ?? { tatUs: 0 };
  const { verdict } = arrive(tatUs, { ...wide, burst: 1 }, 1_000_000);
  t.match(verdict, { allowed: false, retryAfterMs: 1000 });
  t.end();
});
