import { dataPath } from '../data-path.ts';
import { linearScans } from '../engines/plan/linear-scans.ts';
import type { Diagnostic } from '../errors.ts';
import { entrypointMissing } from '../entrypoint-missing.ts';
import { isEntrypointMissing } from './compile.ts';
import { type CompilerOptions, runCompiler } from './run.ts';
import { readSources, withPaths } from './sources.ts';

/** In the form of compilers, so that editors show it as one. */
const messageOf = (path: readonly string[]): string =>
  `warning: this looks at every element of ${dataPath(path)}, and no index helps: lay the data out by what is looked for`;

/**
 * The places where a decision takes longer the more data there is; none where these files do not compile, which others say.
 * Throws PolicyError where they have no such entrypoint.
 */
export async function scanWarnings(request: {
  readonly regoPaths: readonly string[];
  readonly entrypoint: string;
  readonly compiler?: CompilerOptions;
}): Promise<readonly Diagnostic[]> {
  const sources = await readSources(request.regoPaths, 'policy and tests');
  const files = sources.files.filter(({ name }) => !name.endsWith('_test.rego'));
  const job = { do: 'build', files, entrypoint: request.entrypoint } as const;
  const { plan, diagnostics, entrypoints = [] } = await runCompiler(job, request.compiler);
  if (diagnostics.some(isEntrypointMissing)) throw entrypointMissing(job.entrypoint, entrypoints, diagnostics);
  if (plan === undefined) return [];
  const found = linearScans(plan).map(({ file, row, col, path }) => {
    return { file, line: row, column: col, code: 'linear-scan', message: messageOf(path) };
  });
  return withPaths(found, sources);
}
