import { parentPort, workerData } from 'node:worker_threads';
import { openEngine } from '../../policy/engines/select.ts';
import { sampleInputs } from '../sample-input.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import { type HeartbeatMemory, openHeartbeat } from './heartbeat.ts';

/** `workerData` of a trial. */
export type TrialStart = { readonly snapshot: SnapshotData; readonly heartbeat: HeartbeatMemory };

/** A thread that serves nobody: it evaluates what a data thread would, and may be ended where a data thread must not be. */
const { snapshot, heartbeat } = workerData as TrialStart;
const { config, policy } = snapshot;
const nothing = () => undefined;
const events = { wasm: openHeartbeat(heartbeat).wasm, compared: nothing, differed: nothing, cache: nothing };
openEngine(policy, config.policy.engine, { events, samples: sampleInputs(config) });
parentPort?.postMessage('done');
