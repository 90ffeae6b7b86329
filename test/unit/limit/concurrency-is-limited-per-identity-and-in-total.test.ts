import fc from 'fast-check';
import { test } from 'tap';
import {
  createConcurrency,
  type Lease,
  openConcurrency,
  releaseConcurrencyOf,
} from '../../../proxy/limit/concurrency.ts';
import { countHeldBytes } from '../../../proxy/limit/held-bytes.ts';
import { createSharedLimits, releaseThread } from '../../../proxy/limit/shared-limits.ts';
import { slotsFor } from '../../../proxy/limit/shared-table.ts';

const caps = { perIdentity: 2, total: 3 };

function held(answer: Lease | string): Lease {
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

test('one identity stops at its own limit, all together at the total', (t) => {
  const open = openConcurrency(createConcurrency(8, 1), 0);
  const first = held(open.acquire('a', caps));
  held(open.acquire('a', caps));
  t.equal(open.acquire('a', caps), 'identity-limit');
  t.equal(open.total(), 2, 'a refusal gives the total back');
  held(open.acquire('b', caps));
  t.equal(open.acquire('c', caps), 'total-limit');
  first.release();
  t.type(open.acquire('a', caps), 'object');
  t.end();
});

test('a lease released twice gives back one', (t) => {
  const open = openConcurrency(createConcurrency(8, 1), 0);
  const lease = held(open.acquire('a', caps));
  held(open.acquire('a', caps));
  lease.release();
  lease.release();
  t.equal(open.total(), 1);
  t.end();
});

test('a connection counts in total before its identity is known', (t) => {
  const open = openConcurrency(createConcurrency(8, 1), 0);
  const accepted = held(open.acquireTotal(1));
  t.equal(open.acquireTotal(1), 'total-limit');
  const known = held(open.acquireIdentity('a', 1));
  t.equal(open.acquireIdentity('a', 1), 'identity-limit');
  known.release();
  accepted.release();
  t.equal(open.total(), 0);
  t.type(open.acquireIdentity('a', 1), 'object');
  t.end();
});

test('with every slot live a new identity is refused, and no live one is forgotten', (t) => {
  const open = openConcurrency(createConcurrency(1, 1), 0);
  const roomy = { perIdentity: 1, total: 1000 };
  const leases = Array.from({ length: slotsFor(1) }, (_, index) => held(open.acquire(`id-${index}`, roomy)));
  t.equal(open.acquire('newcomer', roomy), 'table-full');
  t.equal(open.acquire('id-0', roomy), 'identity-limit');
  leases[5]?.release();
  t.type(open.acquire('newcomer', roomy), 'object');
  t.end();
});

test('any sequence of acquire, release and thread death counts as a plain list does', (t) => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('acquire'), thread: fc.nat(1), identity: fc.nat(3) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('release'), thread: fc.nat(1), identity: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('death'), thread: fc.nat(1), identity: fc.constant(0) }) },
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const memory = createConcurrency(8, 2);
      const threads = [openConcurrency(memory, 0), openConcurrency(memory, 1)] as const;
      let model: { thread: number; identity: number; lease: Lease }[] = [];
      for (const { kind, thread, identity } of sequence) {
        if (kind === 'death') {
          releaseConcurrencyOf(memory, thread);
          model = model.filter((entry) => entry.thread !== thread);
        } else if (kind === 'release') {
          const at = model.findIndex((entry) => entry.thread === thread && entry.identity === identity);
          if (at >= 0) model.splice(at, 1)[0]?.lease.release();
        } else {
          const answer = threads[thread === 0 ? 0 : 1].acquire(String(identity), caps);
          const own = model.filter((entry) => entry.identity === identity).length;
          const expected =
            model.length >= caps.total ? 'total-limit' : own >= caps.perIdentity ? 'identity-limit' : 'object';
          if ((typeof answer === 'string' ? answer : 'object') !== expected) return false;
          if (typeof answer !== 'string') model.push({ thread, identity, lease: answer });
        }
        if (threads[0].total() !== model.length) return false;
      }
      return true;
    }),
  );
  t.end();
});

test('room for millions of identities that never came is not taken up when a thread ends', (t) => {
  const memory = createConcurrency(5_000_000, 2);
  const before = process.memoryUsage.rss();
  releaseConcurrencyOf(memory, 1);
  const taken = process.memoryUsage.rss() - before;
  t.ok(taken < memory.counts.byteLength / 2, `${taken} of ${memory.counts.byteLength} bytes`);
  t.end();
});

test('limits for which there is no memory are named to the operator', (t) => {
  const thrown = t.throws(() => createSharedLimits({ maxIdentities: 1e15, threads: 2 }));
  t.match(thrown, {
    code: 'memory-unavailable',
    message: /2 threads, 1000000000000000 identities, routes with a quota: 1/,
  });
  t.end();
});

test('bytes that are held are counted over all threads: one may have all of them, and all of them no more', (t) => {
  const limits = createSharedLimits({ maxIdentities: 16, threads: 2 });
  let limit = 2 ** 40;
  const on = (thread: number) =>
    countHeldBytes(
      () => limit,
      () => undefined,
      { memory: limits.held, thread },
    );
  const [one, other] = [on(0).hold(), on(1).hold()];
  t.equal(one.add(2 ** 40 - 1), true, 'one thread has no share of its own to stop at');
  t.equal(other.add(2), false);
  t.equal(other.add(1), true);
  t.equal(other.add(1), false, 'what was refused is not counted');
  limit = 2 ** 40 + 1;
  t.equal(other.add(1), true);
  other.release();
  other.release();
  t.equal(one.add(2), true);
  t.equal(other.add(1), false);
  releaseThread(limits, 0);
  t.equal(other.add(limit), true, 'a thread that has ended holds nothing');
  t.end();
});
