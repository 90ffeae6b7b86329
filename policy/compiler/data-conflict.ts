import type { JsonObject } from '../bundle/bundle.ts';
import { PolicyError } from '../errors.ts';

/**
 * A value in the data that stands where a rule stands would never be seen, whoever wrote it; OPA refuses to load the two
 * together, and so does this. Throws PolicyError.
 */
export function refuseDataConflicts(plan: string, data: JsonObject): void {
  const conflict = rulePaths(plan).find((path) => has(data, path));
  if (conflict === undefined) return;
  const name = conflict.join('.');
  throw new PolicyError('data-conflict', `data.${name} is a rule of the policy, and the data has a value there too`);
}

/** Without the package `g0`, which is `data`; `g1` and so on are copies that the planner makes for the sake of `with`. */
function rulePaths(plan: string): readonly (readonly string[])[] {
  const { funcs } = JSON.parse(plan) as { funcs?: { funcs?: readonly { path: readonly string[] }[] | null } };
  return (funcs?.funcs ?? []).filter(({ path }) => path[0] === 'g0').map(({ path }) => path.slice(1));
}

function has(data: JsonObject, path: readonly string[]): boolean {
  let here: unknown = data;
  for (const name of path) {
    if (typeof here !== 'object' || here === null || Array.isArray(here) || !Object.hasOwn(here, name)) return false;
    here = (here as JsonObject)[name];
  }
  return true;
}
