/** Something that decides, in a comparison. */
export type Subject = {
  readonly name: string;
  /** Decides every input, `rounds` times over. */
  readonly decide: (inputs: readonly unknown[], rounds: number) => Promise<Round> | Round;
};

export type Round = {
  /** One for each decision. */
  readonly micros: readonly number[];
  /** Of the first round, in the order of the inputs. */
  readonly results: readonly unknown[];
  /** Processor time of all decisions, of the process that decided. */
  readonly cpuMicros: number;
};

/** A subject in this process, timed around each call. */
export function inProcess(name: string, decide: (input: unknown) => unknown): Subject {
  return {
    name,
    decide: (inputs, rounds) => {
      const micros: number[] = [];
      const results: unknown[] = [];
      const before = process.threadCpuUsage();
      for (let round = 0; round < rounds; round++) {
        for (const input of inputs) {
          const began = process.hrtime.bigint();
          const result = decide(input);
          micros.push(Number(process.hrtime.bigint() - began) / 1000);
          if (round === 0) results.push(result);
        }
      }
      const { user, system } = process.threadCpuUsage(before);
      return { micros, results, cpuMicros: user + system };
    },
  };
}
