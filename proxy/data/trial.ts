import { parentPort, workerData } from 'node:worker_threads';
import { openEngine } from '../../policy/engines/select.ts';
import { sampleInputs } from '../sample-input.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import { type HeartbeatMemory, openHeartbeat } from './heartbeat.ts';

/** `workerData` of a trial. */
export type TrialStart = { readonly tried: Tried; readonly heartbeat: HeartbeatMemory };

/** A policy, and what samples are made from. */
export type Tried = Pick<SnapshotData, 'config' | 'policy'>;

/** A thread that serves nobody: it evaluates what a data thread would, and may be ended where a data thread must not be. */
const { tried, heartbeat } = workerData as TrialStart;
const { config, policy } = tried;
const nothing = () => undefined;
const events = { wasm: openHeartbeat(heartbeat).wasm, compared: nothing, differed: nothing, cache: nothing };
await openEngine(policy, config.policy.engine, { events, samples: sampleInputs(config) });
parentPort?.postMessage('done');
