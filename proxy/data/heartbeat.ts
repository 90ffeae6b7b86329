/**
 * The pulse of one data thread, in memory that the main thread reads without asking: a thread that is stuck cannot
 * answer. Three counters: beats, whether policy holds the thread, and requests in flight.
 */
export type HeartbeatMemory = SharedArrayBuffer;

const beats = 0;
const evaluating = 1;
const inFlight = 2;

export const createHeartbeat = (): HeartbeatMemory => new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);

export type Heartbeat = {
  readonly beat: () => void;
  readonly mark: { readonly enter: () => void; readonly leave: () => void };
  readonly requestStarted: () => void;
  readonly requestEnded: () => void;
};

/** The thread's own end. */
export function openHeartbeat(memory: HeartbeatMemory): Heartbeat {
  const cells = new Int32Array(memory);
  return {
    beat: () => void Atomics.add(cells, beats, 1),
    mark: {
      enter: () => void Atomics.store(cells, evaluating, 1),
      leave: () => void Atomics.store(cells, evaluating, 0),
    },
    requestStarted: () => void Atomics.add(cells, inFlight, 1),
    requestEnded: () => void Atomics.sub(cells, inFlight, 1),
  };
}

export type Pulse = { readonly beats: number; readonly inPolicy: boolean; readonly inFlight: number };

/** The watchdog's end. */
export function readPulse(memory: HeartbeatMemory): Pulse {
  const cells = new Int32Array(memory);
  return {
    beats: Atomics.load(cells, beats),
    inPolicy: Atomics.load(cells, evaluating) === 1,
    inFlight: Atomics.load(cells, inFlight),
  };
}
