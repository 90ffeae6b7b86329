import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'tap';
import { createSharedLimits, openSharedLimits, releaseThread } from '../../../proxy/limit/shared-limits.ts';
import type { Task, WorkerInput } from './limit-worker.ts';

const THREADS = 3;
const script = new URL('limit-worker.ts', import.meta.url);

/** Starts one worker per task, lets them go at the same moment and answers what each reported. */
async function inParallel(memory: WorkerInput['memory'], tasks: readonly Task[]) {
  const gate = new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT);
  const words = new Int32Array(gate);
  const workers = tasks.map(
    (task, thread) => new Worker(script, { workerData: { memory, thread, task, gate } satisfies WorkerInput }),
  );
  const reports = workers.map(async (worker) => {
    const [report] = (await once(worker, 'message')) as [unknown];
    return report;
  });
  for (let ready = 0; ready < tasks.length; ready = Atomics.load(words, 0)) {
    await Atomics.waitAsync(words, 0, ready, 1000).value;
  }
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  return { workers, words, reports: await Promise.all(reports) };
}

const together = (task: Task) => Array.from({ length: THREADS }, () => task);

test('threads that hammer one key at one instant let exactly the burst through', async (t) => {
  const memory = createSharedLimits({ maxIdentities: 100, threads: THREADS });
  const quota = { requests: 1, perMs: 60_000, burst: 1000 };
  const { reports } = await inParallel(
    memory,
    together({ kind: 'take', key: 'peer', quota, times: 20_000, nowUs: 1_000_000 }),
  );
  t.equal(
    reports.map(Number).reduce((sum, allowed) => sum + allowed, 0),
    quota.burst,
  );
});

test('threads that hammer one key for a while share burst + rate * time on their common monotonic clock', async (t) => {
  const memory = createSharedLimits({ maxIdentities: 100, threads: THREADS });
  const quota = { requests: 1000, perMs: 1000, burst: 10 };
  const each = 100;
  const { reports } = await inParallel(memory, together({ kind: 'take-until', key: 'peer', quota, allowed: each }));
  const runs = reports as { beganUs: number; endUs: number }[];
  const beganUs = Math.min(...runs.map((run) => run.beganUs));
  const endUs = Math.max(...runs.map((run) => run.endUs));
  const most = quota.burst + (endUs - beganUs) / 1000;
  t.ok(THREADS * each <= most, `${THREADS * each} of at most ${most}`);
});

test('no more than the cap are ever inside at once, and all of it comes back', async (t) => {
  const memory = createSharedLimits({ maxIdentities: 100, threads: THREADS });
  const { words } = await inParallel(memory, together({ kind: 'churn', identity: 'peer', cap: 1, times: 20_000 }));
  t.equal(words[3], 1, 'the most that were ever inside');
  t.equal(openSharedLimits(memory, 0).requests.total(), 0);
});

test('a thread terminated while it holds every lock and many leases blocks nobody after releaseThread', async (t) => {
  const memory = createSharedLimits({ maxIdentities: 100, threads: 2 });
  const { workers } = await inParallel(memory, [{ kind: 'hold', identity: 'peer', leases: 7 }]);
  const other = openSharedLimits(memory, 1);
  const quota = { requests: 1, perMs: 1000, burst: 1 };
  const caps = { perIdentity: 1, total: 1 };

  t.equal(other.quotas.take('peer', quota, 1), 'table-full', 'fails closed in bounded time while the lock is held');
  t.equal(other.requests.acquire('peer', caps), 'total-limit');
  t.equal(other.connections.acquireIdentity('peer', 1), 'table-full');
  t.equal(other.requests.total(), 7);

  await Promise.all(workers.map((worker) => worker.terminate()));
  releaseThread(memory, 0);

  t.match(other.quotas.take('peer', quota, 1), { allowed: true });
  t.equal(other.requests.total(), 0);
  t.type(other.requests.acquire('peer', caps), 'object');
  t.type(other.connections.acquire('peer', caps), 'object');
});
