import { parentPort, workerData } from 'node:worker_threads';
import { openAuditStream } from '../../../proxy/audit/stream.ts';
import { exchange } from './trail.ts';

/** A data thread that commits for ever and tells how many were acknowledged. Terminated by its test; not a test itself. */
const stream = openAuditStream({
  folder: String(workerData),
  stream: 'data-1',
  segmentBytes: 20_000,
  mode: 'required',
  identity: { node: 'node-1', workload: 'spiffe://td.example/orders' },
  now: Date.now,
  monotonicNs: () => process.hrtime.bigint(),
  onStateChange: () => undefined,
});
for (let n = 1; ; n++) {
  await stream.commit(exchange(String(n)));
  parentPort?.postMessage(n);
}
