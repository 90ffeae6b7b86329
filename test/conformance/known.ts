/**
 * What is known to differ, by the note of the case, each with its cause. Whatever else fails makes the command fail. The first five
 * stand in OPA's own list of what its WebAssembly cannot do (internal/wasm/sdk/test/e2e/exceptions.yaml).
 */
export const known: ReadonlyMap<string, string> = new Map([
  ['data/toplevel integer', 'data[2] finds the key "2" in OPA\'s store alone; compiled, a number is no name'],
  ['data/nested integer', 'data[2] finds the key "2" in OPA\'s store alone; compiled, a number is no name'],
  [
    'strings/format_int: bignum exact (>64-bit integer, all bases + negative)',
    'compiled into WebAssembly by OPA, where it aborts',
  ],
  [
    'jsonbuiltins/unmarshal number beyond the supported exponent is undefined',
    'compiled into WebAssembly by OPA, without the limit; no reader has such a number',
  ],
  [
    'jsonbuiltins/unmarshal number with too big an exponent is undefined',
    'compiled into WebAssembly by OPA, without the limit; no reader has such a number',
  ],
  [
    'jsonbuiltins/unmarshal number with large exponent within limits',
    'a number that no double holds (1e400) is refused',
  ],
  ['strings/sprintf: float too big', 'a number that no double holds (2e308) is refused, or written out'],
  ['comparisonexpr/decimals order like the numbers they denote', 'a number with a fraction is a double'],
  ['time/time caching', "it calls test.sleep, which exists in OPA's own tests alone"],
]);
