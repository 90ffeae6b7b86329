import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { capabilitiesDigest } from '../builtins/capabilities.ts';
import { PolicyError } from '../errors.ts';
import { systemErrorText } from '../system-error.ts';
import type { PolicyBundle } from './bundle.ts';
import { inputPathsName, sha256 } from './load.ts';
import { writeTar } from './tar.ts';

type File = readonly [name: string, content: Uint8Array];

/**
 * Writes a bundle as OPA's own tools understand it, https://www.openpolicyagent.org/docs/management-bundles: a folder, or an
 * archive where the name ends in `.tar.gz`. The same policy gives the same bytes. Resolves to the files written. Throws
 * PolicyError.
 */
export async function writeBundle(path: string, bundle: PolicyBundle): Promise<readonly string[]> {
  const files = filesOf(bundle);
  try {
    return path.endsWith('.tar.gz') ? await writeArchive(path, files) : await writeFolder(path, files);
  } catch (cause) {
    throw new PolicyError('bundle-not-written', `cannot write the bundle ${path}: ${systemErrorText(cause)}`, {
      cause,
    });
  }
}

async function writeFolder(path: string, files: readonly File[]): Promise<readonly string[]> {
  await mkdir(path, { recursive: true });
  await Promise.all(files.map(([name, content]) => writeFile(join(path, name), content)));
  return files.map(([name]) => join(path, name));
}

async function writeArchive(path: string, files: readonly File[]): Promise<readonly string[]> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await packBundle(files));
  return [path];
}

/** As `opa build` does it, each name begins with a slash. */
async function packBundle(files: readonly File[]): Promise<Uint8Array> {
  const tar = writeTar(files.map(([name, content]) => [`/${name}`, content]));
  const packed = await promisify(gzip)(tar, { level: 9 });
  // RFC 1952: the operating system, which is not the same everywhere; 255 is unknown.
  packed[9] = 255;
  return packed;
}

function filesOf(bundle: PolicyBundle): readonly File[] {
  const content: readonly File[] = [
    ['data.json', json(bundle.data)],
    ['plan.json', Buffer.from(bundle.plan)],
    ['policy.wasm', bundle.wasm],
    ...(bundle.inputPaths === undefined ? [] : [[inputPathsName, json(bundle.inputPaths)] as const]),
  ];
  const manifest = {
    revision: bundle.revision,
    roots: [''],
    wasm: [{ entrypoint: bundle.entrypoint, module: '/policy.wasm' }],
    rego_version: 1,
    metadata: {
      portcullis: {
        capabilities: capabilitiesDigest(),
        files: Object.fromEntries(content.map(([name, bytes]) => [name, sha256(bytes)])),
      },
    },
  };
  return [['.manifest', json(manifest)], ...content];
}

const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);
