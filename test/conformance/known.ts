import type { EngineName } from './engines.ts';

export type Known = { readonly engines: readonly EngineName[]; readonly cause: string };

const both = ['wasm', 'plan'] as const;

const noName = 'data[2] finds the key "2" in OPA\'s store alone; compiled, a number is no name';
const noLimit = 'compiled into WebAssembly by OPA, without the limit; no reader has such a number';

/**
 * What is known to differ, by the note of the case, each with its cause and the engines that fail. Whatever else fails makes the
 * command fail. The first five stand in OPA's own list of what its WebAssembly cannot do
 * (internal/wasm/sdk/test/e2e/exceptions.yaml).
 */
export const known: ReadonlyMap<string, Known> = new Map([
  ['data/toplevel integer', { engines: both, cause: noName }],
  ['data/nested integer', { engines: both, cause: noName }],
  [
    'strings/format_int: bignum exact (>64-bit integer, all bases + negative)',
    { engines: ['wasm'], cause: 'compiled into WebAssembly by OPA, where it aborts' },
  ],
  ['jsonbuiltins/unmarshal number beyond the supported exponent is undefined', { engines: ['wasm'], cause: noLimit }],
  ['jsonbuiltins/unmarshal number with too big an exponent is undefined', { engines: ['wasm'], cause: noLimit }],
  [
    'jsonbuiltins/unmarshal number with large exponent within limits',
    { engines: ['plan'], cause: 'a number that no double holds (1e400) is refused' },
  ],
  [
    'strings/sprintf: float too big',
    { engines: both, cause: 'a number that no double holds (2e308) is refused, or written out' },
  ],
  [
    'comparisonexpr/decimals order like the numbers they denote',
    { engines: ['plan'], cause: 'a number with a fraction is a double' },
  ],
]);

/** Built-ins that OPA registers for its tests, so that no policy and no compiler has them. */
export const onlyInOpasTests: ReadonlyMap<string, string> = new Map([
  ['test.sleep', "the built-in test.sleep exists in OPA's own tests alone"],
]);
