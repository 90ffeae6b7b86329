import { type Capabilities, capabilitiesText, readsTime } from '../builtins/capabilities.ts';
import { refusalOf } from '../builtins/refused.ts';
import { type JsonObject, makeBundle, type PolicyBundle, type RequiredBuiltin } from '../bundle/bundle.ts';
import { refuseOutsideRoots, refuseShadowedData } from '../bundle/conflicts.ts';
import { readDataFile } from '../bundle/data-file.ts';
import { entrypointMissing } from '../entrypoint-missing.ts';
import { type Diagnostic, formatDiagnostic, PolicyError } from '../errors.ts';
import { type Compiled, cached } from './cache.ts';
import type { BuildJob, InputPaths, Place, TestResult } from './job.ts';
import { type CompilerOptions, runCompiler } from './run.ts';
import { readSources, type Sources, withPaths } from './sources.ts';

export type BuildRequest = {
  readonly regoPaths: readonly string[];
  readonly dataFile?: string | undefined;
  /** Path of the decision rule, for example `portcullis/authz/decision`. */
  readonly entrypoint: string;
  /** Whether what OPA's strict mode finds is refused, such as an import that nobody uses. */
  readonly strict?: boolean;
  /** Where compiled policies are kept; without one, every build compiles. */
  readonly cacheFolder?: string | undefined;
  readonly compiler?: CompilerOptions;
};

/** Compiles Rego to a bundle, in a child process. Throws PolicyError with everything OPA had to say. */
export async function buildPolicy(request: BuildRequest): Promise<PolicyBundle> {
  const [sources, data] = await Promise.all([
    readSources(request.regoPaths, 'policy'),
    request.dataFile === undefined ? {} : readDataFile(request.dataFile),
  ]);
  return buildSources({ ...request, sources, data, holderOf: () => request.dataFile ?? '' });
}

export type SourceBuild = Pick<BuildRequest, 'entrypoint' | 'strict' | 'cacheFolder' | 'compiler'> & {
  readonly sources: Sources;
  readonly data: JsonObject;
  /** The data file that has something at this path, for messages. */
  readonly holderOf?: (path: readonly string[]) => string;
  /** What packages must lie in; without, anywhere. */
  readonly roots?: readonly string[];
  readonly name?: string | undefined;
};

/** The same for Rego that has been read already, from a bundle for one. */
export async function buildSources(request: SourceBuild): Promise<PolicyBundle> {
  const { sources, data, holderOf = () => 'the data', roots = [''], entrypoint, strict = false, name } = request;
  const job = { do: 'build', files: sources.files, entrypoint, strict, capabilities: capabilities() } as const;
  const compiled = await cached(request.cacheFolder, job, () => compile(job, sources, request.compiler));
  refuseOutsideRoots(known(compiled.packages, sources), roots);
  refuseShadowedData(known(compiled.rules, sources), data, holderOf);
  const required = requiredBuiltins(compiled, sources);
  return makeBundle({
    wasm: Uint8Array.from(Buffer.from(compiled.wasm, 'base64')),
    plan: compiled.plan,
    data,
    entrypoint,
    requiredBuiltins: required,
    inputPaths: withTime(compiled.inputPaths, required),
    name,
  });
}

const known = (places: readonly Place[], { paths }: Sources): readonly Place[] =>
  places.map((place) => ({ ...place, file: paths.get(place.file) ?? place.file }));

/** A built-in may read the time of the request, of which the compiler knows nothing. */
function withTime(paths: InputPaths, required: readonly RequiredBuiltin[]): InputPaths {
  return required.some(({ name }) => readsTime(name)) ? [...paths, ['portcullis', 'time', 'unix_ms']] : paths;
}

async function compile(job: BuildJob, sources: Sources, options: CompilerOptions | undefined): Promise<Compiled> {
  const {
    diagnostics,
    entrypoints = [],
    wasm,
    plan,
    calls = [],
    inputPaths,
    packages = [],
    rules = [],
  } = await runCompiler(job, options);
  if (diagnostics.some(isEntrypointMissing)) throw entrypointMissing(job.entrypoint, entrypoints, diagnostics);
  refuse(withPaths(diagnostics, sources));
  if (wasm === undefined || plan === undefined || inputPaths === undefined) {
    throw new PolicyError('compiler-failed', 'the policy compiler answered without a module');
  }
  return { wasm, plan, calls, inputPaths, packages, rules };
}

/** Runs the `test_` rules of the given files. A failing test is a result, not an error. */
export async function testPolicy(request: {
  readonly regoPaths: readonly string[];
  readonly dataFile?: string | undefined;
  /** Regular expression for the names of the tests to run. */
  readonly run?: string | undefined;
  readonly compiler?: CompilerOptions;
}): Promise<readonly TestResult[]> {
  const sources = await readSources(request.regoPaths, 'policy and tests');
  const data = request.dataFile === undefined ? {} : await readDataFile(request.dataFile);
  const job = { do: 'test', files: sources.files, data, run: request.run ?? '' } as const;
  const { diagnostics, tests } = await runCompiler(job, request.compiler);
  refuse(withPaths(diagnostics, sources));
  return (tests ?? []).map((result) => ({ ...result, file: sources.paths.get(result.file) ?? result.file }));
}

/** Every problem OPA finds in strict mode, and each call of a built-in that is not offered. */
export async function checkPolicy(request: {
  readonly regoPaths: readonly string[];
  readonly compiler?: CompilerOptions;
}): Promise<readonly Diagnostic[]> {
  const sources = await readSources(request.regoPaths, 'policy and tests');
  const job = { do: 'check', files: sources.files, capabilities: capabilities() } as const;
  const { diagnostics } = await runCompiler(job, request.compiler);
  return withPaths(diagnostics, sources).map(withReason);
}

/** OPA's layout of each file. */
export async function formatPolicy(request: {
  readonly regoPaths: readonly string[];
  readonly compiler?: CompilerOptions;
}): Promise<readonly { readonly file: string; readonly text: string; readonly changed: boolean }[]> {
  const sources = await readSources(request.regoPaths, 'policy and tests');
  const { diagnostics, files } = await runCompiler({ do: 'fmt', files: sources.files }, request.compiler);
  refuse(withPaths(diagnostics, sources));
  const before = new Map(sources.files.map(({ name, text }) => [name, text]));
  return (files ?? []).map(({ name, text }) => {
    return { file: sources.paths.get(name) ?? name, text, changed: text !== before.get(name) };
  });
}

const capabilities = (): Capabilities => JSON.parse(capabilitiesText()) as Capabilities;

/** The compiler says which built-in is refused; why, is known here. */
function withReason(found: Diagnostic): Diagnostic {
  if (found.code !== 'builtin_refused') return found;
  const message = refusalOf(found.message) ?? `the built-in ${found.message} is not offered`;
  return { ...found, code: 'builtin-refused', message };
}

function refuse(found: readonly Diagnostic[]): void {
  if (found.length === 0) return;
  const diagnostics = found.map(withReason);
  const all = (code: string) => diagnostics.every((one) => one.code === code);
  const only = all('builtin-refused') ? 'builtin-refused' : all('strict_violation') ? 'rego-not-strict' : undefined;
  const message = diagnostics.map(formatDiagnostic).join('\n');
  throw new PolicyError(only ?? 'rego-does-not-compile', message, { diagnostics });
}

export const isEntrypointMissing = ({ code }: Diagnostic): boolean => code === 'entrypoint_missing';

/** The plan names the built-ins that the entrypoint can reach; the calls say where they stand in the text. */
function requiredBuiltins({ plan, calls }: Compiled, { paths }: Sources): readonly RequiredBuiltin[] {
  const { static: constants } = JSON.parse(plan) as { static?: { builtin_funcs?: readonly { name: string }[] } };
  return (constants?.builtin_funcs ?? []).map(({ name }) => {
    const call = calls.find((candidate) => candidate.name === name);
    return { name, where: call === undefined ? '' : `${paths.get(call.file) ?? call.file}:${call.line}` };
  });
}
