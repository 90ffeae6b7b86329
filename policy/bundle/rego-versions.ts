import { globPattern } from '../builtins/glob/pattern.ts';
import type { RegoVersion } from '../compiler/job.ts';
import { compileLinearRegex } from '../linear-regex.ts';
import { compareStrings } from '../value/order.ts';

const isGlob = (pattern: string): boolean => /[*?[\]{}\\]/.test(pattern);

/**
 * `file_rego_versions` of a manifest: globs in which `*` matches a slash too; of several that match, OPA takes the first in
 * the order of their text. It matches names as they stand in the archive, with or without a slash before them, which
 * `BundleFiles` no longer knows: a pattern may fit either. Throws for what is no glob.
 */
export function fileRegoVersions(
  versions: ReadonlyMap<string, RegoVersion>,
): (name: string) => RegoVersion | undefined {
  const sorted = [...versions].sort(([a], [b]) => compareStrings(a, b));
  const rows = sorted.map(([pattern, version], order) => ({ pattern, version, order }));
  const globs = rows
    .filter(({ pattern }) => isGlob(pattern))
    .map((row) => ({ ...row, regex: compileLinearRegex(globPattern(row.pattern, [])) }));
  // `opa build` writes the name of each file, of which there may be thousands; the first of two stays.
  const names = new Map(
    rows
      .filter(({ pattern }) => !isGlob(pattern))
      .reverse()
      .map((row) => [row.pattern.replace(/^\//, ''), row]),
  );
  return (name) => {
    const named = names.get(name);
    const glob = globs.find(({ regex }) => regex.test(`/${name}`) || regex.test(name));
    if (named === undefined || glob === undefined) return (named ?? glob)?.version;
    return (named.order < glob.order ? named : glob).version;
  };
}
