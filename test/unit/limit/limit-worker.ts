import { parentPort, workerData } from 'node:worker_threads';
import type { Quota } from '../../../proxy/limit/gcra.ts';
import { openSharedLimits, type SharedLimitsMemory } from '../../../proxy/limit/shared-limits.ts';
import { lock } from '../../../proxy/limit/spin-lock.ts';

/** What a test asks a data thread to do. Not a test itself. */
export type Task =
  | {
      readonly kind: 'take';
      readonly key: string;
      readonly quota: Quota;
      readonly times: number;
      readonly nowUs: number;
    }
  /** Goes on until it has been allowed so many. */
  | { readonly kind: 'take-until'; readonly key: string; readonly quota: Quota; readonly allowed: number }
  /** Goes on until it has been inside so many times. */
  | { readonly kind: 'churn'; readonly identity: string; readonly cap: number; readonly times: number }
  | { readonly kind: 'hold'; readonly identity: string; readonly leases: number };

export type WorkerInput = {
  readonly memory: SharedLimitsMemory;
  readonly thread: number;
  readonly task: Task;
  /** Word 0: how many are ready; word 1: go; word 2: how many are inside now; word 3: the most that ever were. */
  readonly gate: SharedArrayBuffer;
};

const { memory, thread, task, gate } = workerData as WorkerInput;
const limits = openSharedLimits(memory, thread);
const words = new Int32Array(gate);
const nowUs = () => Number(process.hrtime.bigint() / 1000n);

Atomics.add(words, 0, 1);
Atomics.notify(words, 0);
Atomics.wait(words, 1, 0);
parentPort?.postMessage(run());

function run(): unknown {
  switch (task.kind) {
    case 'take': {
      let allowed = 0;
      for (let index = 0; index < task.times; index += 1) allowed += passes(task.key, task.quota, task.nowUs);
      return allowed;
    }
    case 'take-until': {
      const beganUs = nowUs();
      for (let allowed = 0; allowed < task.allowed; ) allowed += passes(task.key, task.quota, nowUs());
      return { beganUs, endUs: nowUs() };
    }
    case 'churn':
      return churn(task.identity, task.cap, task.times);
    case 'hold':
      return hold(task.identity, task.leases);
  }
}

function passes(key: string, quota: Quota, at: number): number {
  const verdict = limits.quotas.take(key, quota, at);
  // Refused as well: on a busy machine whoever has the lock may be without a processor for longer than it is waited for.
  return verdict !== 'table-full' && verdict.allowed ? 1 : 0;
}

/** Enters and leaves; notes the most that were ever inside at once, over all threads. */
function churn(identity: string, cap: number, times: number): void {
  for (let entered = 0; entered < times; ) {
    const lease = limits.requests.acquire(identity, { perIdentity: cap, total: 1000 });
    if (typeof lease === 'string') continue;
    entered += 1;
    const inside = Atomics.add(words, 2, 1) + 1;
    let most = Atomics.load(words, 3);
    while (inside > most)
      most = Atomics.compareExchange(words, 3, most, inside) === most ? inside : Atomics.load(words, 3);
    // Long enough for the others to come by while this one is inside.
    for (let turn = 0; turn < 50; turn += 1) Atomics.load(words, 2);
    Atomics.sub(words, 2, 1);
    lease.release();
  }
}

/** Opens leases, then takes every lock there is and stops for good: the worst moment to be terminated. */
function hold(identity: string, leases: number): never {
  const caps = { perIdentity: 1000, total: 1000 };
  for (let index = 0; index < leases; index += 1) {
    limits.requests.acquire(identity, caps);
    limits.connections.acquire(identity, caps);
  }
  const { quotas, requests, connections } = memory;
  for (const buffer of [
    quotas.table.locks,
    requests.table.locks,
    requests.totalLock,
    connections.table.locks,
    connections.totalLock,
  ]) {
    const locks = new Int32Array(buffer);
    for (let index = 0; index < locks.length; index += 1) lock(locks, index, thread);
  }
  parentPort?.postMessage('holding');
  for (;;) Atomics.wait(words, 2, 0);
}
