import fc from 'fast-check';
import { test } from 'tap';
import { arrive } from '../../../proxy/limit/gcra.ts';
import { createQuotas, openQuotas, quotaKey } from '../../../proxy/limit/quotas.ts';
import { createSharedLimits, openSharedLimits } from '../../../proxy/limit/shared-limits.ts';
import { slotsFor } from '../../../proxy/limit/shared-table.ts';

const quota = { requests: 5, perMs: 1000, burst: 3 };

test('any sequence of keys, threads and times decides as a plain map does', (t) => {
  const steps = fc.array(
    fc.record({
      key: fc.nat({ max: 30 }).map(String),
      thread: fc.nat({ max: 2 }),
      gapUs: fc.oneof(fc.constant(0), fc.nat({ max: 900_000 })),
    }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const memory = createQuotas(64);
      const threads = [0, 1, 2].map((thread) => openQuotas(memory, thread));
      const model = new Map<string, number>();
      let nowUs = 1_000_000;
      return sequence.every(({ key, thread, gapUs }) => {
        nowUs += gapUs;
        const expected = arrive(model.get(key) ?? 0, quota, nowUs);
        model.set(key, expected.tatUs);
        return JSON.stringify(threads[thread]?.take(key, quota, nowUs)) === JSON.stringify(expected.verdict);
      });
    }),
    { numRuns: 60 },
  );
  t.end();
});

test('100,000 identities are all tracked within the memory reserved at start', (t) => {
  const identities = 100_000;
  const memory = createQuotas(identities);
  const quotas = openQuotas(memory, 0);
  const once = { requests: 1, perMs: 3_600_000, burst: 1 };
  const name = (index: number) => quotaKey(`spiffe://example.org/ns/shop/sa/client-${index}`, 'orders');
  const count = (allowed: boolean) => {
    let answers = 0;
    for (let index = 0; index < identities; index += 1) {
      const verdict = quotas.take(name(index), once, 1_000_000);
      if (verdict !== 'table-full' && verdict.allowed === allowed) answers += 1;
    }
    return answers;
  };
  t.equal(count(true), identities, 'each passes once');
  t.equal(count(false), identities, 'each is remembered and refused the second time');
  const bytes = memory.tats.byteLength + memory.table.tags.byteLength + memory.table.locks.byteLength;
  t.ok(bytes / identities < 70, `${(bytes / identities).toFixed(1)} bytes for each identity`);
  t.end();
});

test('a full bucket refuses newcomers, keeps the live, and takes newcomers once quotas have refilled', (t) => {
  const quotas = openQuotas(createQuotas(1), 0);
  const slots = slotsFor(1);
  for (let index = 0; index < slots; index += 1) {
    t.match(quotas.take(`live-${index}`, { ...quota, burst: 1 }, 1_000_000), { allowed: true });
  }
  t.equal(quotas.take('newcomer', quota, 1_000_001), 'table-full');
  t.match(quotas.take('live-0', { ...quota, burst: 1 }, 1_000_001), { allowed: false }, 'nothing live was evicted');
  t.match(quotas.take('newcomer', quota, 1_200_000), { allowed: true }, 'a TAT that has passed is the same as none');
  t.end();
});

test('two pairs of identity and route never make one key', (t) => {
  t.not(quotaKey('spiffe://a/b', 'corders'), quotaKey('spiffe://a/bc', 'orders'));
  t.not(quotaKey('1', '2:3'), quotaKey('12:', '3'));
  t.end();
});

test('setting the wall clock changes nothing', (t) => {
  const quotas = openQuotas(createQuotas(8), 0);
  const real = Date.now;
  t.teardown(() => {
    Date.now = real;
  });
  t.match(quotas.take('peer', { ...quota, burst: 1 }, 1_000_000), { allowed: true });
  for (const hours of [-1, 1]) {
    Date.now = () => real() + hours * 3_600_000;
    t.match(quotas.take('peer', { ...quota, burst: 1 }, 1_000_001), { allowed: false }, `${hours} h`);
  }
  t.end();
});

test('a quota that a reload has raised counts at once for who had used up the one before', (t) => {
  const { quotas, tokens } = openSharedLimits(createSharedLimits({ maxIdentities: 16, threads: 1 }), 0);
  const daily = { requests: 10, perMs: 86_400_000, burst: 10 };
  const raised = { requests: 100, perMs: 1000, burst: 2 };
  const nowUs = 1_000_000;
  for (let used = 0; used < 10; used += 1) t.match(quotas.take('a', daily, nowUs), { allowed: true });
  t.match(quotas.take('a', daily, nowUs), { allowed: false });
  t.same(
    quotas.take('a', raised, nowUs),
    { allowed: false, remaining: 0, resetMs: 20, retryAfterMs: 10 },
    'it begins with nothing left',
  );
  t.match(quotas.take('a', raised, nowUs + 10_000), { allowed: true, remaining: 0 });
  t.match(quotas.take('a', raised, nowUs + 10_000), { allowed: false });

  t.match(tokens.take('jti', { requests: 1, perMs: 60_000, burst: 1 }, nowUs), { allowed: true });
  t.match(tokens.take('jti', { requests: 1, perMs: 1000, burst: 1 }, nowUs), { allowed: false });
  t.match(
    tokens.take('jti', { requests: 1, perMs: 1000, burst: 1 }, nowUs + 59_000_000),
    { allowed: false },
    'a token that ends early does not make another of its name forgotten',
  );
  t.end();
});

test('one thread that read the clock before another takes nothing off what the other has counted', (t) => {
  const memory = createSharedLimits({ maxIdentities: 16, threads: 2 });
  const [one, other] = [openSharedLimits(memory, 0), openSharedLimits(memory, 1)];
  const quota = { requests: 1, perMs: 60_000, burst: 1 };
  t.match(one.quotas.take('a', quota, 5_000_000), { allowed: true });
  t.match(other.quotas.take('a', quota, 4_900_000), { allowed: false });
  t.match(other.quotas.take('a', quota, 64_999_999), { allowed: false });
  t.match(other.quotas.take('a', quota, 65_000_000), { allowed: true });
  t.end();
});
