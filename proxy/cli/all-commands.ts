import type { Command } from './command.ts';

/**
 * In the order of `--help` and of docs/cli.md. Each group is loaded when it is asked for, so that the process that serves
 * requests carries neither the demo nor the benchmarks in its memory.
 */
const groups: ReadonlyMap<string, () => Promise<readonly Command[]>> = new Map([
  ['run', async () => (await import('./run.ts')).runCommands],
  ['probe', async () => (await import('./probe.ts')).probeCommands],
  ['check', async () => (await import('./check.ts')).checkCommands],
  ['explain', async () => (await import('./explain.ts')).explainCommands],
  ['ca', async () => (await import('./ca.ts')).caCommands],
  ['workload-api', async () => (await import('./workload-api.ts')).workloadApiCommands],
  ['policy', async () => (await import('./policy.ts')).policyCommands],
  ['audit', async () => (await import('./audit.ts')).auditCommands],
  ['bench', async () => (await import('./bench.ts')).benchCommands],
  ['demo', async () => (await import('./demo.ts')).demoCommands],
]);

/** The group that the first word names; every command when it names none, so that whoever asks can be told what there is. */
export async function commandsFor(words: readonly string[]): Promise<readonly Command[]> {
  const named = groups.get(words[0] ?? '');
  return named === undefined ? allCommands() : named();
}

export async function allCommands(): Promise<readonly Command[]> {
  const loaded = await Promise.all([...groups.values()].map((load) => load()));
  return loaded.flat();
}
