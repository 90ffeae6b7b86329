import type { Place } from '../compiler/job.ts';
import { dataPath } from '../data-path.ts';
import { formatDiagnostic, PolicyError, type PolicyErrorCode } from '../errors.ts';
import type { JsonObject } from './bundle.ts';

/**
 * Data where a rule is would never be seen: whoever wrote it counts on something that no decision looks at. OPA refuses both
 * together, also where the data stands above the rule and is no object. Throws PolicyError.
 */
export function refuseShadowedData(
  rules: readonly Place[],
  data: JsonObject,
  holderOf: (path: readonly string[]) => string,
): void {
  const shadowed = rules.flatMap((rule) => {
    const path = dataAt(data, rule.path);
    if (path === undefined) return [];
    const what = `${holderOf(path)} has data at ${dataPath(path)}`;
    return [{ ...rule, message: `the rule ${dataPath(rule.path)} lies where ${what}` }];
  });
  refuse('data-conflict', shadowed);
}

/** A bundle says what it may speak of, and OPA puts it beside others on that word. Throws PolicyError. */
export function refuseOutsideRoots(packages: readonly Place[], roots: readonly string[]): void {
  const steps = roots.map((root) => (root === '' ? [] : root.split('/')));
  const outside = packages.filter(({ path }) => !steps.some((root) => root.every((step, at) => step === path[at])));
  refuse(
    'bundle-invalid',
    outside.map((found) => ({
      ...found,
      message: `the roots ${JSON.stringify(roots)} of the manifest do not permit the package ${dataPath(found.path)}`,
    })),
  );
}

/** The path, or as much of it as leads to a value that is no object; undefined where the data has nothing. */
function dataAt(data: JsonObject, path: readonly string[]): readonly string[] | undefined {
  let value: unknown = data;
  for (const [depth, name] of path.entries()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return path.slice(0, depth);
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return path;
}

function refuse(code: PolicyErrorCode, found: readonly (Place & { readonly message: string })[]): void {
  if (found.length === 0) return;
  const diagnostics = found.map(({ file, line, column, message }) => ({ file, line, column, code, message }));
  throw new PolicyError(code, diagnostics.map(formatDiagnostic).join('\n'), { diagnostics });
}
