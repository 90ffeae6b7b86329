import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings, type EngineName } from '../../../policy/engines/settings.ts';
import type { PolicyInput } from '../../../policy/input.ts';

export type Questions = {
  readonly bundle: PolicyBundle;
  readonly engine: EngineName;
  readonly inputs: readonly PolicyInput[];
  readonly rounds: number;
};

/** Digests of all that was answered to each input, in as many rounds; one digest when it was always the same. */
export type Answers = readonly (readonly string[])[];

/** As a data thread does it: the bundle has crossed by structured clone, the engine is its own. */
const { bundle, engine, inputs, rounds } = workerData as Questions;
const { decide } = await openEngine(bundle, { ...defaultSettings, engine });
const digests = inputs.map(() => new Set<string>());
for (let round = 0; round < rounds; round++) {
  for (const [index, input] of inputs.entries()) {
    digests[index]?.add(
      createHash('sha256')
        .update(textOf(decide(input)))
        .digest('hex'),
    );
  }
}
parentPort?.postMessage(digests.map((seen) => [...seen]) satisfies Answers);

function textOf(answer: unknown): string {
  return JSON.stringify(answer, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
