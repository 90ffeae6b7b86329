import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wholeText } from '../../policy/engines/projection.ts';
import { answerText } from '../policy/answer.ts';
import { type Subject, Unable } from '../subject.ts';
import { type Opa, opaOptions, type OpaPolicy, opaQuery, output } from './opa.ts';

/** OPA's library where there is no Go: `opa bench`, which takes one input at a time and tells percentiles. */
export function opaBench(folder: string, opa: Opa, policy: OpaPolicy, inputs: readonly unknown[]): Subject {
  let next = 0;
  const file = join(folder, 'opa-bench-input.json');
  const run = async (words: readonly string[], input: unknown) => {
    await writeFile(file, wholeText(input));
    return output(opa.path, [...words, ...opaOptions(policy), '--input', file, opaQuery(policy)]);
  };
  return {
    name: "OPA's Go library",
    about: `opa ${opa.version}: \`opa bench\`, another input each round, latency between its percentiles`,
    tells: 'result',
    answers: async () => {
      const answers: string[] = [];
      for (const [index, input] of inputs.entries()) {
        const said = await run(['eval', '--format=json'], input).catch((cause: Error) => {
          throw new Unable(cause.message, index);
        });
        answers.push(evaluated(said));
      }
      return answers;
    },
    turn: async () => {
      const input = inputs[next++ % inputs.length];
      const words = ['bench', '--format=json', '--fail=false', '--optimize-store-for-read-speed'];
      const said = await run(words, input).catch((cause: Error) => {
        throw new Unable(`opa bench: ${cause.message}`);
      });
      return { micros: spread(JSON.parse(said) as Benchmark), cpuMicros: null, residentBytes: null };
    },
    stages: async () => [],
  };
}

function evaluated(said: string): string {
  const { result } = JSON.parse(said) as { result?: readonly { expressions: readonly { value: unknown }[] }[] };
  return answerText(result?.[0]?.expressions[0]?.value);
}

type Benchmark = { readonly Extra: Readonly<Record<string, number>> };

const marks = [
  [0, 'min'],
  [0.5, 'median'],
  [0.75, '75%'],
  [0.9, '90%'],
  [0.95, '95%'],
  [0.99, '99%'],
  [0.999, '99.9%'],
  [1, 'max'],
] as const;

/** A thousand latencies that have these percentiles, so that they can be counted with those of others. */
function spread({ Extra }: Benchmark): Float64Array {
  const points = marks.map(
    ([share, name]) => [share, (Extra[`histogram_timer_rego_query_eval_ns_${name}`] ?? 0) / 1000] as const,
  );
  return Float64Array.from({ length: 1000 }, (_, index) => {
    const share = (index + 0.5) / 1000;
    const above = points.findIndex(([at]) => at >= share);
    const [low, high] = [points[above - 1] ?? [0, 0], points[above] ?? [1, 0]];
    return low[1] + ((share - low[0]) / (high[0] - low[0])) * (high[1] - low[1]);
  });
}
