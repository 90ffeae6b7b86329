import type { Builtin, Builtins } from './builtin.ts';
import { sprintfBuiltins } from './sprintf.ts';
import { timeBuiltins } from './time.ts';

const namespaces: readonly Builtins[] = [sprintfBuiltins, timeBuiltins];

/** Every built-in that a policy may call, by its name in Rego. Both engines take them from here. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(namespaces.flatMap((names) => Object.entries(names)));
