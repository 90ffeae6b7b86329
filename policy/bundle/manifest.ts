import { withoutEnds } from '../builtins/strings/ends.ts';
import type { RegoVersion } from '../compiler/job.ts';
import { PolicyError } from '../errors.ts';
import { readStrictJson } from '../json/strict-json.ts';
import { fileRegoVersions } from './rego-versions.ts';

/** `.manifest` of a bundle: https://www.openpolicyagent.org/docs/management-bundles */
export type Manifest = {
  readonly revision: string;
  /** Without slashes at their ends; `['']` is all of `data`. */
  readonly roots: readonly string[];
  readonly wasm: readonly WasmResolver[];
  /** Of the file with this name. */
  readonly regoVersionOf: (name: string) => RegoVersion;
  /** What `portcullis policy build` has put there. */
  readonly built: BuiltBy | undefined;
};

/** The module takes the place of the Rego of this entrypoint, which `opa build -t wasm` takes out. */
export type WasmResolver = { readonly entrypoint: string; readonly module: string };
/** `files` has the SHA-256 of each other file by its name. */
export type BuiltBy = { readonly files: ReadonlyMap<string, string>; readonly capabilities: string | undefined };

type Members = { readonly [name: string]: unknown };

const known: ReadonlySet<string> = new Set([
  'revision',
  'roots',
  'wasm',
  'rego_version',
  'file_rego_versions',
  'metadata',
]);
const knownOfWasm: ReadonlySet<string> = new Set(['entrypoint', 'module', 'annotations']);
const maxDepth = 64;

/** A bundle without one is its files and nothing else. */
const none: Manifest = {
  revision: '',
  roots: [''],
  wasm: [],
  regoVersionOf: () => 1,
  built: undefined,
};

/**
 * Strict: a key or a value that is not known would change what the bundle means for whoever knows it. Throws PolicyError;
 * `where` names the bundle in its messages.
 */
export function readManifest(where: string, bytes: Uint8Array | undefined): Manifest {
  if (bytes === undefined) return none;
  const reading = readStrictJson(bytes, { maxDepth });
  const refuse: Refuse = (what) => new PolicyError('bundle-invalid', `${where}: .manifest: ${what}`);
  if (!reading.ok) throw refuse(reading.problem.detail);
  const members = objectOf(reading.value, 'it', refuse);
  refuseUnknown(members, known, refuse);
  const given = (name: string, otherwise: unknown) => members[name] ?? otherwise;
  return Object.freeze({
    revision: textOf(given('revision', ''), 'revision', refuse),
    roots: rootsOf(given('roots', ['']), refuse),
    wasm: resolversOf(given('wasm', []), refuse),
    regoVersionOf: regoVersions(given('rego_version', 1), given('file_rego_versions', {}), refuse),
    built: builtBy(objectOf(given('metadata', {}), 'metadata', refuse), refuse),
  });
}

/** Whether something at this path, without slashes at its ends, lies inside one of the roots. */
export function isWithinRoots(roots: readonly string[], path: string): boolean {
  return roots.some((root) => root === '' || path === root || path.startsWith(`${root}/`));
}

type Refuse = (what: string) => PolicyError;

const maxRoots = 1_000;
const maxFileVersions = 10_000;
const isSlash = (char: string): boolean => char === '/';

function rootsOf(value: unknown, refuse: Refuse): readonly string[] {
  const given = listOf(value, 'roots', refuse);
  // Each is compared with all the others, and with every place of the data.
  if (given.length > maxRoots) throw refuse(`it has ${given.length} roots; at most ${maxRoots} are taken`);
  const roots = given.map((root) => withoutEnds(textOf(root, 'a root', refuse), isSlash, { left: true, right: true }));
  roots.forEach((root, index) => {
    const other = roots.find((each, at) => at !== index && isWithinRoots([root], each));
    if (other !== undefined) throw refuse(`the roots ${JSON.stringify(root)} and ${JSON.stringify(other)} overlap`);
  });
  return roots;
}

function resolversOf(value: unknown, refuse: Refuse): readonly WasmResolver[] {
  const resolvers = listOf(value, 'wasm', refuse).map((one) => resolverOf(one, refuse));
  const entrypoints = new Set<string>();
  for (const { entrypoint } of resolvers) {
    if (entrypoints.has(entrypoint)) throw refuse(`the entrypoint ${JSON.stringify(entrypoint)} has two wasm modules`);
    entrypoints.add(entrypoint);
  }
  return resolvers;
}

function resolverOf(value: unknown, refuse: Refuse): WasmResolver {
  const members = objectOf(value, 'a member of wasm', refuse);
  refuseUnknown(members, knownOfWasm, refuse);
  const module = textOf(members['module'], 'wasm module', refuse).replace(/^\//, '');
  return { entrypoint: textOf(members['entrypoint'], 'wasm entrypoint', refuse), module };
}

function regoVersions(overall: unknown, ofFiles: unknown, refuse: Refuse): Manifest['regoVersionOf'] {
  const otherwise = regoVersionOf(overall, 'rego_version', refuse);
  const members = Object.entries(objectOf(ofFiles, 'file_rego_versions', refuse));
  if (members.length > maxFileVersions) throw refuse(`file_rego_versions has more than ${maxFileVersions} members`);
  const versions = members.map(([name, version]) => {
    return [name, regoVersionOf(version, `file_rego_versions ${name}`, refuse)] as const;
  });
  try {
    const versionOf = fileRegoVersions(new Map(versions));
    return (name) => versionOf(name) ?? otherwise;
  } catch (cause) {
    throw refuse(`file_rego_versions: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function builtBy({ portcullis }: Members, refuse: Refuse): BuiltBy | undefined {
  if (portcullis === undefined) return undefined;
  const { files, capabilities } = objectOf(portcullis, 'metadata.portcullis', refuse);
  const digests = Object.entries(objectOf(files, 'metadata.portcullis.files', refuse));
  return {
    files: new Map(digests.map(([name, digest]) => [name, textOf(digest, `the digest of ${name}`, refuse)])),
    capabilities: capabilities === undefined ? undefined : textOf(capabilities, 'capabilities', refuse),
  };
}

function regoVersionOf(value: unknown, what: string, refuse: Refuse): RegoVersion {
  if (value === 0 || value === 1) return value;
  throw refuse(`${what} is ${JSON.stringify(value)}; only 0 and 1 are known`);
}

function textOf(value: unknown, what: string, refuse: Refuse): string {
  if (typeof value === 'string') return value;
  throw refuse(`${what} is not a string`);
}

function listOf(value: unknown, what: string, refuse: Refuse): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw refuse(`${what} is not a list`);
}

function objectOf(value: unknown, what: string, refuse: Refuse): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw refuse(`${what} is not an object`);
}

function refuseUnknown(members: Members, names: ReadonlySet<string>, refuse: Refuse): void {
  const unknown = Object.keys(members).find((name) => !names.has(name));
  if (unknown !== undefined) throw refuse(`${JSON.stringify(unknown)} is not known`);
}
