/** Bucket counts that arrive added up, per stage. prom-client can only observe one value at a time. */
export type StageHistogram = {
  readonly add: (stage: string, buckets: readonly number[], sumSeconds: number) => void;
  /** In the shape that prom-client writes: cumulative buckets, sum and count. */
  readonly values: () => readonly HistogramValue[];
};

export type HistogramValue = {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
};

type Sums = { readonly buckets: number[]; sumSeconds: number };

export function createStageHistogram(name: string, boundsSeconds: readonly number[]): StageHistogram {
  const stages = new Map<string, Sums>();
  return {
    add: (stage, buckets, sumSeconds) => {
      let sums = stages.get(stage);
      if (sums === undefined)
        stages.set(stage, (sums = { buckets: Array(boundsSeconds.length + 1).fill(0), sumSeconds: 0 }));
      for (const [index, count] of buckets.entries()) sums.buckets[index] = (sums.buckets[index] ?? 0) + count;
      sums.sumSeconds += sumSeconds;
    },
    values: () => [...stages].flatMap(([stage, sums]) => exposition(name, boundsSeconds, stage, sums)),
  };
}

function exposition(name: string, bounds: readonly number[], stage: string, sums: Sums): readonly HistogramValue[] {
  let count = 0;
  const buckets = sums.buckets.map((inBucket, index) => {
    count += inBucket;
    return { metricName: `${name}_bucket`, labels: { stage, le: bounds[index] ?? '+Inf' }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { stage }, value: sums.sumSeconds },
    { metricName: `${name}_count`, labels: { stage }, value: count },
  ];
}
