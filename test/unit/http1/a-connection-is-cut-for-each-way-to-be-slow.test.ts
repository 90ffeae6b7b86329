import { test } from 'tap';
import type { LimitsConfig } from '../../../proxy/config/config.ts';
import { type Due, type Standing, whatIsDue } from '../../../proxy/http1/deadlines.ts';

/** Each different, so that no limit can pass for another. */
const limits: LimitsConfig = {
  handshakeMs: 1_000_000,
  headMs: 10_000,
  bodyIdleMs: 20_000,
  bodyMs: 60_000,
  keepAliveMs: 5000,
  writeIdleMs: 15_000,
  maxHeadBytes: 1,
  maxHeaders: 1,
  maxConnections: 1,
  maxConnectionsPerIdentity: 1,
  maxConnectionAgeMs: 1,
  drainAfterRotationMs: 1,
  maxRequestsPerConnection: 1,
  maxInFlight: 1,
  maxInFlightPerIdentity: 1,
  maxHeldBytes: 1,
  maxIdentities: 1,
  maxSingleUseTokens: 16,
  stallMs: 1,
};
const lingerMs = 1000;
const halfClosedMs = 2000;

const start = 1_000_000;
const idle: Standing = {
  phase: 'idle',
  phaseBegan: start,
  lastProgress: start,
  served: 1,
  unsentBytes: 0,
  needsDrain: false,
  waitsForBody: false,
  halfClosedAt: undefined,
  answerStarted: false,
};

type Row = readonly [what: string, at: Partial<Standing>, due: Exclude<Due, undefined>, afterMs: number];

const rows: readonly Row[] = [
  ['never asks anything', { served: 0 }, 'end', limits.headMs],
  ['asks nothing more', {}, 'end', limits.keepAliveMs],
  ['sends its head too slowly', { phase: 'head' }, 'late-head', limits.headMs],
  // Progress does not help a head: byte by byte is the attack.
  ['drips its head', { phase: 'head', lastProgress: start + 9000 }, 'late-head', limits.headMs],
  ['pauses inside its body', { phase: 'exchange', waitsForBody: true }, 'late-body', limits.bodyIdleMs],
  [
    'drips its body',
    { phase: 'exchange', waitsForBody: true, lastProgress: start + 59_000 },
    'late-body',
    limits.bodyMs,
  ],
  [
    'does not read its answer',
    { phase: 'exchange', needsDrain: true, unsentBytes: 9, answerStarted: true },
    'cut',
    limits.writeIdleMs,
  ],
  ['does not read the end of its answer', { phase: 'flushing', unsentBytes: 9 }, 'cut', limits.writeIdleMs],
  ['does not read its last answer', { phase: 'lingering', unsentBytes: 9 }, 'cut', limits.writeIdleMs],
  ['has not read the answer before the next request', { phase: 'idle', unsentBytes: 9 }, 'cut', limits.writeIdleMs],
  ['stays after its last answer', { phase: 'lingering' }, 'cut', lingerMs],
  ['has closed its half, and there is no answer', { phase: 'exchange', halfClosedAt: start }, 'cut', halfClosedMs],
  ['has closed its half later', { phase: 'exchange', halfClosedAt: start + 3000 }, 'cut', 3000 + halfClosedMs],
];

for (const [what, at, due, afterMs] of rows) {
  test(`who ${what}`, (t) => {
    t.equal(whatIsDue({ ...idle, ...at }, limits, start + afterMs), undefined, 'on time, to the last moment');
    t.equal(whatIsDue({ ...idle, ...at }, limits, start + afterMs + 1), due, 'and not later');
    t.end();
  });
}

const never: readonly (readonly [what: string, at: Partial<Standing>])[] = [
  ['waits for the workload', { phase: 'exchange' }],
  ['waits for us to take its body', { phase: 'exchange', waitsForBody: false }],
  ['has closed its half and reads its answer', { phase: 'exchange', halfClosedAt: start, answerStarted: true }],
  ['is gone', { phase: 'closed' }],
];

for (const [what, at] of never) {
  test(`who ${what} is not slow`, (t) => {
    t.equal(whatIsDue({ ...idle, ...at }, limits, start + 1e9), undefined);
    t.end();
  });
}
