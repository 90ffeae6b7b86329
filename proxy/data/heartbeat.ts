/**
 * The pulse of one data thread, in memory that the main thread reads without asking: a thread that is stuck cannot
 * answer. Four cells: beats, whether policy holds the thread, requests in flight, and whether it compiles a
 * new snapshot.
 */
export type HeartbeatMemory = SharedArrayBuffer;

const beats = 0;
const evaluating = 1;
const inFlight = 2;
const preparing = 3;

export const createHeartbeat = (): HeartbeatMemory => new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT);

export type Heartbeat = {
  readonly beat: () => void;
  readonly mark: { readonly enter: () => void; readonly leave: () => void };
  readonly preparing: { readonly enter: () => void; readonly leave: () => void };
  readonly requestStarted: () => void;
  readonly requestEnded: () => void;
};

/** The thread's own end. */
export function openHeartbeat(memory: HeartbeatMemory): Heartbeat {
  const cells = new Int32Array(memory);
  return {
    beat: () => void Atomics.add(cells, beats, 1),
    mark: flag(cells, evaluating),
    preparing: flag(cells, preparing),
    requestStarted: () => void Atomics.add(cells, inFlight, 1),
    requestEnded: () => void Atomics.sub(cells, inFlight, 1),
  };
}

function flag(cells: Int32Array, cell: number) {
  return {
    enter: () => void Atomics.store(cells, cell, 1),
    leave: () => void Atomics.store(cells, cell, 0),
  };
}

export type Pulse = {
  readonly beats: number;
  readonly inPolicy: boolean;
  readonly preparing: boolean;
  readonly inFlight: number;
};

/** The watchdog's end. */
export function readPulse(memory: HeartbeatMemory): Pulse {
  const cells = new Int32Array(memory);
  return {
    beats: Atomics.load(cells, beats),
    inPolicy: Atomics.load(cells, evaluating) === 1,
    preparing: Atomics.load(cells, preparing) === 1,
    inFlight: Atomics.load(cells, inFlight),
  };
}
