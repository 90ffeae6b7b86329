import { ProxyError } from '../proxy/errors.ts';
import type { Stage } from './result.ts';

/** Somebody who decides, in a comparison. It was given its inputs when it was opened. */
export type Subject = {
  readonly name: string;
  /** Version and configuration, as far as they matter for reading the figures. */
  readonly about: string;
  /** What its answers can be held against: the result of the policy, or no more than whether the request may pass. */
  readonly tells: 'result' | 'verdict';
  /** One for each input, in its order, as `answer.ts` writes them. Throws Unable. */
  readonly answers: () => Promise<readonly string[]>;
  /** Decides every input, `times` over. */
  readonly turn: (times: number) => Promise<Turn>;
  /** Mean microseconds of one decision by stage; empty where nobody can look inside. */
  readonly stages: () => Promise<readonly Stage[]>;
};

export type Turn = {
  /** One for each decision, all inputs in their order, again and again. */
  readonly micros: Float64Array;
  /** Processor time of the process that decided; null where the system does not tell. */
  readonly cpuMicros: number | null;
  /** Of that process, afterwards. */
  readonly residentBytes: number | null;
};

/** It cannot take part, or cannot decide one of the inputs, whose index is then given. */
export class Unable extends Error {
  override readonly name = 'Unable';
  readonly input: number | undefined;

  constructor(message: string, input?: number) {
    super(message);
    this.input = input;
  }
}

/** What a subject answers once it takes part: who is gone then ends the measurement. Throws ProxyError. */
export async function orLost<Answer>({ name }: Pick<Subject, 'name'>, asked: Promise<Answer>): Promise<Answer> {
  return asked.catch((thrown: unknown) => {
    if (!(thrown instanceof Unable)) throw thrown;
    throw new ProxyError('bench-target-lost', `${name}: ${thrown.message}`, { cause: thrown });
  });
}

/** Decides every input, `times` over, in this thread and with the clock read around each decision. */
export function timed<Input>(inputs: readonly Input[], times: number, decide: (input: Input) => unknown): Float64Array {
  const micros = new Float64Array(inputs.length * times);
  let at = 0;
  for (let time = 0; time < times; time++) {
    for (const input of inputs) {
      const began = performance.now();
      decide(input);
      micros[at++] = (performance.now() - began) * 1000;
    }
  }
  return micros;
}
