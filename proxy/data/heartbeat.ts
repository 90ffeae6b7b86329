import { readlinkSync } from 'node:fs';
import type { Mark } from '../../policy/engine.ts';

/**
 * The pulse of one data thread, in memory that the main thread reads without asking: a thread that is stuck cannot
 * answer.
 */
export type HeartbeatMemory = SharedArrayBuffer;

const beats = 0;
/** Whether a policy holds the thread, in whatever engine. */
const evaluating = 1;
const inFlight = 2;
/** Whether it compiles a new snapshot. */
const preparing = 3;
/** Number of the evaluation in which WebAssembly holds the thread; 0 while it holds nothing. */
const evaluation = 4;
/** What the system calls this thread; 0 where it does not say. */
const nativeThread = 5;
/** KiB of the body that it has taken on in this turn of the event loop, to judge it whole. */
const judging = 6;
/** The digest that is the revision of the policy that holds the thread, or held it last. */
const policyDigest = 7;
const digestBytes = 32;
const cellCount = policyDigest + digestBytes / Int32Array.BYTES_PER_ELEMENT;
const digestKind = 'sha256:';

export const createHeartbeat = (): HeartbeatMemory => new SharedArrayBuffer(cellCount * Int32Array.BYTES_PER_ELEMENT);

export type Heartbeat = {
  readonly beat: () => void;
  /** Judges a body of so many bytes, or what has come of one. */
  readonly judges: (bytes: number) => void;
  readonly policy: { readonly enter: (revision: string) => void; readonly leave: () => void };
  readonly wasm: Mark;
  readonly preparing: Mark;
  readonly requestStarted: () => void;
  readonly requestEnded: () => void;
};

/** The thread's own end. */
export function openHeartbeat(memory: HeartbeatMemory): Heartbeat {
  const cells = new Int32Array(memory);
  Atomics.store(cells, nativeThread, nativeThreadId());
  return {
    beat: () => {
      Atomics.store(cells, judging, 0);
      Atomics.add(cells, beats, 1);
    },
    judges: (bytes) => {
      Atomics.store(cells, judging, Math.ceil(bytes / 1024));
      Atomics.add(cells, beats, 1);
    },
    policy: policyFlag(cells),
    wasm: counter(cells, evaluation),
    preparing: flag(cells, preparing),
    requestStarted: () => void Atomics.add(cells, inFlight, 1),
    requestEnded: () => void Atomics.sub(cells, inFlight, 1),
  };
}

/** A request keeps the policy it was accepted with, so the one that holds a thread need not be the one in force. */
function policyFlag(cells: Int32Array): Heartbeat['policy'] {
  const { enter, leave } = flag(cells, evaluating);
  let last = '';
  return {
    enter: (revision) => {
      if (revision !== last) bytesOfDigest(cells).set(Buffer.from(revision.slice(digestKind.length), 'hex'));
      last = revision;
      enter();
    },
    leave,
  };
}

function bytesOfDigest({ buffer }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, policyDigest * Int32Array.BYTES_PER_ELEMENT, digestBytes);
}

function flag(cells: Int32Array, cell: number): Mark {
  return {
    enter: () => void Atomics.store(cells, cell, 1),
    leave: () => void Atomics.store(cells, cell, 0),
  };
}

/** Each stretch has a number of its own, so that two looks can tell one that lasts from two short ones. */
function counter(cells: Int32Array, cell: number): Mark {
  let last = 0;
  return {
    enter: () => {
      // Up to 2^31 - 1, then from 1 again.
      last = (last % 0x7fffffff) + 1;
      Atomics.store(cells, cell, last);
    },
    leave: () => void Atomics.store(cells, cell, 0),
  };
}

/** Linux: `/proc/thread-self` leads to `<process>/task/<thread>`. */
function nativeThreadId(): number {
  try {
    const [, id] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    return Number(id ?? 0);
  } catch {
    return 0;
  }
}

export type Pulse = {
  readonly beats: number;
  /** Revision of the policy that holds the thread. */
  readonly policy: string | undefined;
  readonly preparing: boolean;
  readonly judgingKiB: number;
  readonly inFlight: number;
  readonly evaluation: number;
  readonly nativeThread: number;
};

/** The watchdog's end. */
export function readPulse(memory: HeartbeatMemory): Pulse {
  const cells = new Int32Array(memory);
  return {
    beats: Atomics.load(cells, beats),
    policy: Atomics.load(cells, evaluating) === 1 ? revisionIn(cells) : undefined,
    preparing: Atomics.load(cells, preparing) === 1,
    judgingKiB: Atomics.load(cells, judging),
    inFlight: Atomics.load(cells, inFlight),
    evaluation: Atomics.load(cells, evaluation),
    nativeThread: Atomics.load(cells, nativeThread),
  };
}

function revisionIn(cells: Int32Array): string {
  return `${digestKind}${Buffer.from(bytesOfDigest(cells)).toString('hex')}`;
}
