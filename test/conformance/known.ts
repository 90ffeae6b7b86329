import type { EngineName } from './engines.ts';

export type Known = { readonly engines: readonly EngineName[]; readonly cause: string };

const both = ['wasm', 'plan'] as const;

const noName = 'data[2] finds the key "2" in OPA\'s store alone; compiled, a number is no name';

/**
 * What is known to differ, by the note of the case, each with its cause and the engines that fail. Whatever else fails makes the
 * command fail. The first two stand in OPA's own list of what its WebAssembly cannot do
 * (internal/wasm/sdk/test/e2e/exceptions.yaml).
 */
export const known: ReadonlyMap<string, Known> = new Map([
  ['data/toplevel integer', { engines: both, cause: noName }],
  ['data/nested integer', { engines: both, cause: noName }],
]);

/** Built-ins that OPA registers for its tests, so that no policy and no compiler has them. */
export const onlyInOpasTests: ReadonlyMap<string, string> = new Map([
  ['test.sleep', "the built-in test.sleep exists in OPA's own tests alone"],
]);
