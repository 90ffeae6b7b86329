import type { Figure, Latency } from '../result.ts';

/** What a proxy adds to a direct connection, at the percentiles that are compared. */
export function addedFigures(through: Latency, direct: Latency): readonly Figure[] {
  return (['p50', 'p99', 'p999'] as const).map((name) => {
    return { name: `added ${name}`, value: Math.max(0, Math.round(through[name] - direct[name])), unit: 'us' };
  });
}
