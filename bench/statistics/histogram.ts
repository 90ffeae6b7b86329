import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { Latency } from '../result.ts';

/** Latencies of any number of operations in constant memory, exact to three digits. All values are microseconds. */
export type LatencyHistogram = {
  readonly record: (micros: number) => void;
  /** Adds what another one holds, which stays as it is. */
  readonly merge: (other: LatencyHistogram) => void;
  readonly count: () => number;
  /** The value that `share` of all operations did not exceed, such as 0.99; 0 when nothing was recorded. */
  readonly at: (share: number) => number;
  readonly mean: () => number;
  readonly latency: () => Latency;
  /** As text, for another thread or process; `decodeHistogram` reads it. */
  readonly encode: () => string;
  readonly inner: Histogram;
};

/** Recorded as whole nanoseconds, because a decision may take two microseconds. */
const nanosPerMicro = 1000;
/** An hour. What is longer was not an operation that anybody waited for; it is recorded as an hour. */
const longest = 3600e9;

export function createHistogram(): LatencyHistogram {
  return around(build({ highestTrackableValue: longest, numberOfSignificantValueDigits: 3, autoResize: false }));
}

export function decodeHistogram(text: string): LatencyHistogram {
  const histogram = createHistogram();
  histogram.inner.add(decodeFromCompressedBase64(text));
  return histogram;
}

function around(inner: Histogram): LatencyHistogram {
  const at = (share: number) => inner.getValueAtPercentile(share * 100) / nanosPerMicro;
  return {
    record: (micros) => inner.recordValue(Math.min(longest, Math.max(0, Math.round(micros * nanosPerMicro)))),
    merge: (other) => inner.add(other.inner),
    count: () => inner.totalCount,
    at,
    mean: () => inner.mean / nanosPerMicro,
    latency: () => ({
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      p999: at(0.999),
      max: at(1),
      distribution: distribution(at, inner.totalCount),
    }),
    encode: () => encodeIntoCompressedBase64(inner),
    inner,
  };
}

/** Every percent, then every tenth of what is left, as far as the number of operations can tell. */
const shares = [
  ...Array.from({ length: 100 }, (_, percent) => percent / 100),
  ...[2, 3, 4].flatMap((nines) => Array.from({ length: 9 }, (_, tenth) => 1 - (9 - tenth) / 10 ** (nines + 1))),
];

/** Of shares with the same value only the largest is kept, so that both rise. */
function distribution(at: (share: number) => number, count: number): (readonly [number, number])[] {
  if (count === 0) return [];
  const told = [...shares.filter((share) => share <= 1 - 1 / count), 1];
  const points = told.map((share) => [Number(share.toFixed(6)), at(share)] as const);
  return points.filter(([, micros], index) => points[index + 1]?.[1] !== micros);
}
