import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { capabilitiesDigest } from '../builtins/capabilities.ts';
import { buildSources, type SourceBuild } from '../compiler/compile.ts';
import type { SourceFile } from '../compiler/job.ts';
import { entrypointMissing } from '../entrypoint-missing.ts';
import { PolicyError } from '../errors.ts';
import { makeBundle, type PolicyBundle, type RequiredBuiltin } from './bundle.ts';
import { parseDataValue } from './data-file.ts';
import { dataOf, holderOf } from './data-tree.ts';
import type { BundleFiles } from './files.ts';
import { isWithinRoots, type Manifest, readManifest } from './manifest.ts';
import { readBundleFiles } from './read.ts';

export type LoadRequest = Pick<SourceBuild, 'entrypoint' | 'strict' | 'cacheFolder' | 'compiler'> & {
  /** A `.tar.gz` or a folder. */
  readonly path: string;
};

/**
 * Loads a bundle as `opa build` makes it. What it holds decides how: Rego that is whole is compiled here, with the
 * capabilities of this program; otherwise its own policy.wasm and plan.json run. Throws PolicyError.
 */
export async function loadBundle(request: LoadRequest): Promise<PolicyBundle> {
  return bundleFromFiles(request, await readBundleFiles(request.path));
}

/** The same for content that is in memory; `path` is for messages. */
export async function bundleFromFiles(request: LoadRequest, files: BundleFiles): Promise<PolicyBundle> {
  const { path, entrypoint } = request;
  refuseUnsupported(path, files);
  const manifest = readManifest(path, files.get('.manifest'));
  verifyBuilt(path, manifest, files);
  if (!isWithinRoots(manifest.roots, entrypoint)) {
    throw new PolicyError('entrypoint-missing', `${path}: the entrypoint ${entrypoint} lies outside of its roots`);
  }
  const data = dataOf(path, files, manifest.roots);
  // One of ours has the name of its content.
  const name = manifest.revision === '' || manifest.built !== undefined ? undefined : manifest.revision;
  const rego = wholeRego(path, manifest, files);
  if (rego.length > 0) {
    const inData = {
      data,
      holderOf: (place: readonly string[]) => holderOf(path, files, place),
      roots: manifest.roots,
    };
    return buildSources({ ...request, ...inData, sources: named(path, rego), name });
  }
  const wasm = wasmOf(path, manifest, files, entrypoint);
  const plan = textOf(path, 'plan.json', files.get('plan.json') ?? new Uint8Array());
  if (wasm.byteLength === 0 && plan === '') {
    throw new PolicyError('bundle-invalid', `${path} holds neither Rego nor policy.wasm nor plan.json`);
  }
  const inputPaths = manifest.built === undefined ? undefined : inputPathsOf(path, files.get(inputPathsName));
  return makeBundle({ wasm, plan, data, entrypoint, requiredBuiltins: builtinsOf(path, plan), inputPaths, name });
}

/** Which parts of the input the policy can read, where whoever compiled it has found out. */
export const inputPathsName = 'input-paths.json';

/** What OPA would give a meaning to, and this reader does not: leaving it out would change the policy. */
function refuseUnsupported(path: string, files: BundleFiles): void {
  if (files.has('.signatures.json')) {
    // Not verified and not ignored: whoever signs a bundle counts on a bad signature being noticed.
    throw new PolicyError('bundle-signed', `${path} is signed, and signatures are not verified here yet`);
  }
  const odd = [...files.keys()].find((name) =>
    /(?:^|\/)(?:patch\.json|\.manifest\.pb|plan\.pb)$|\/\.manifest$/.test(name),
  );
  if (odd !== undefined) throw new PolicyError('bundle-invalid', `${path} holds ${odd}, which is not supported here`);
}

/** For a bundle of `portcullis policy build`: it is what it was, and this program is the one that it was made for. */
function verifyBuilt(path: string, { built }: Manifest, files: BundleFiles): void {
  if (built === undefined) return;
  if (built.capabilities !== capabilitiesDigest()) {
    const offered = `the bundle was made for the capabilities ${built.capabilities}, and here are ${capabilitiesDigest()}`;
    throw new PolicyError('bundle-capabilities', `${path}: ${offered}`);
  }
  const content = [...files].filter(([name]) => name !== '.manifest');
  const wrong = content.find(([name, bytes]) => built.files.get(name) !== sha256(bytes))?.[0];
  if (wrong !== undefined) throw corrupt(`${path}: ${wrong} is not what the manifest says it is`);
  const missing = [...built.files.keys()].find((name) => !files.has(name));
  if (missing !== undefined) throw corrupt(`${path}: ${missing} is missing, and the manifest has its digest`);
}

/**
 * `opa build -t wasm` takes the rules of the entrypoints out of the Rego: what is left of it would decide otherwise. Tests are
 * taken as OPA takes them: a rule of theirs is a rule of the package, whatever the file is called.
 */
function wholeRego(path: string, { wasm, regoVersionOf }: Manifest, files: BundleFiles): readonly SourceFile[] {
  if (wasm.length > 0) return [];
  const names = [...files.keys()].filter((name) => name.endsWith('.rego'));
  // Sorted: the order in an archive must not reach the compiled policy.
  return names
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ name, text: textOf(path, name, files.get(name)), regoVersion: regoVersionOf(name) }));
}

const named = (path: string, files: readonly SourceFile[]) => ({
  files,
  paths: new Map(files.map(({ name }) => [name, `${path}/${name}`])),
});

function wasmOf(path: string, { wasm }: Manifest, files: BundleFiles, entrypoint: string): Uint8Array<ArrayBuffer> {
  const lost = wasm.find(({ module }) => !files.has(module));
  if (lost !== undefined)
    throw new PolicyError('bundle-invalid', `${path}: the manifest names ${lost.module}, which is not there`);
  const resolver = wasm.find((one) => one.entrypoint === entrypoint);
  if (wasm.length > 0 && resolver === undefined) {
    throw entrypointMissing(
      entrypoint,
      wasm.map((one) => one.entrypoint),
    );
  }
  return Uint8Array.from(files.get(resolver?.module ?? 'policy.wasm') ?? []);
}

function builtinsOf(path: string, plan: string): readonly RequiredBuiltin[] {
  if (plan === '') return [];
  try {
    const { static: constants } = JSON.parse(plan) as { static?: { builtin_funcs?: readonly { name: string }[] } };
    return (constants?.builtin_funcs ?? []).map(({ name }) => ({ name: String(name), where: '' }));
  } catch (cause) {
    throw new PolicyError('bundle-invalid', `${path}: plan.json is not a plan`, { cause });
  }
}

/** Only of a bundle whose digests were verified: a path that is left out hides what the policy would have read. */
function inputPathsOf(path: string, bytes: Uint8Array | undefined): PolicyBundle['inputPaths'] {
  if (bytes === undefined) return undefined;
  const paths = parseDataValue(`${path}/${inputPathsName}`, bytes);
  const isPath = (each: unknown) => Array.isArray(each) && each.every((step) => typeof step === 'string');
  if (Array.isArray(paths) && paths.every(isPath)) return paths as PolicyBundle['inputPaths'];
  throw new PolicyError('bundle-invalid', `${path}: ${inputPathsName} is not a list of paths`);
}

function textOf(path: string, name: string, bytes: Uint8Array | undefined): string {
  if (bytes === undefined || !isUtf8(bytes)) throw new PolicyError('bundle-invalid', `${path}: ${name} is not UTF-8`);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

const corrupt = (message: string) => new PolicyError('bundle-corrupt', message);

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
