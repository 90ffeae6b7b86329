import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { needsDeadline } from '../../policy/engines/settings.ts';
import { PolicyError } from '../../policy/errors.ts';
import { createHeartbeat, type HeartbeatMemory } from '../data/heartbeat.ts';
import type { TrialStart, Tried } from '../data/trial.ts';
import { watchEvaluations } from './deadline.ts';

/** For the evaluation of one sample. More than a deadline: the first one compiles. */
const sampleMs = 1000;
/** For all that is not watched, such as copying data; only a module that OPA did not make takes that long. */
const loadMs = 60_000;

// The same file in TypeScript here and in JavaScript in the image.
const entry = new URL(`../data/trial${extname(import.meta.url)}`, import.meta.url);

/**
 * Ends a thread that does not come to the end of a sample, wherever it is. Resolves to what `work` resolves to, which
 * must settle when the thread has ended; throws PolicyError when it had to be ended.
 */
export async function withinSampleTime<T>(
  worker: Worker,
  heartbeat: HeartbeatMemory,
  work: Promise<T>,
  withinMs = loadMs,
): Promise<T> {
  let slow: string | undefined;
  const end = (what: string) => {
    slow ??= what;
    void worker.terminate();
  };
  const watch = watchEvaluations(
    () => new Map([[0, heartbeat]]),
    () => end(`did not decide a sample request within ${sampleMs} ms`),
  );
  watch.set(sampleMs);
  const timer = setTimeout(() => end(`was not loaded within ${withinMs} ms`), withinMs);
  const outcome = await work.finally(() => {
    clearTimeout(timer);
    watch.stop();
  });
  if (slow === undefined) return outcome;
  throw new PolicyError('policy-too-slow', `the policy ${slow}`);
}

/**
 * Lets a policy that is about to be put into force show that it comes to an end, where no request can suffer from it.
 * It judges nothing else: whatever is wrong besides, the data threads find. Throws PolicyError.
 */
export async function tryPolicy({ config, policy }: Tried): Promise<void> {
  if (!needsDeadline(config.policy.engine)) return;
  const heartbeat = createHeartbeat();
  const start: TrialStart = { tried: { config, policy }, heartbeat };
  const worker = new Worker(entry, { workerData: start, name: 'trial', stdout: false, stderr: false });
  const ended = once(worker, 'exit').catch(() => undefined);
  await withinSampleTime(worker, heartbeat, Promise.race([once(worker, 'message').catch(() => undefined), ended]));
  await worker.terminate();
}
