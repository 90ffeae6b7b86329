import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'tap';
import { withinSampleTime } from '../../../proxy/control/policy-trial.ts';
import { createHeartbeat } from '../../../proxy/data/heartbeat.ts';

const workerThat = (does: string) => new Worker(new URL(`data:text/javascript,${encodeURIComponent(does)}`));

// A reload that waited for ever would hold up every later one, and with it a revocation.
test('a thread that never comes to its first evaluation is ended', async (t) => {
  const worker = workerThat('for (;;);');
  const ended = once(worker, 'exit');
  await t.rejects(withinSampleTime(worker, createHeartbeat(), ended, 50), {
    name: 'PolicyError',
    code: 'policy-too-slow',
    message: 'the policy was not loaded within 50 ms',
  });
});

test('one that is done in time is left alone, and gives what it has', async (t) => {
  const worker = workerThat(
    'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => {}); parentPort.postMessage("done")',
  );
  const message = once(worker, 'message');
  t.same(await withinSampleTime(worker, createHeartbeat(), message, 60_000), ['done']);
  t.ok(worker.threadId > 0, 'it runs on');
  await worker.terminate();
});
