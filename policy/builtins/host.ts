import type { Builtin } from './builtin.ts';
import { stringBuiltins } from './strings.ts';
import { timeBuiltins } from './time.ts';

/**
 * What OPA does not compile into the module itself. `regex.match`, `regex.find_all_string_submatch_n` and `glob.match`
 * are RE2 inside WebAssembly; `regex.split` is not, and is left out: the SDK's own runs on JavaScript's RegExp, which
 * can backtrack for ever where OPA answers at once.
 */
export const hostBuiltins: ReadonlyMap<string, Builtin> = new Map([...stringBuiltins, ...timeBuiltins]);
