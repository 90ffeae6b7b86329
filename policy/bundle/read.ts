import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { PolicyError } from '../errors.ts';
import { pathsBelow } from '../paths-below.ts';
import { systemErrorText } from '../system-error.ts';
import { BundleCollector, type BundleFiles, bundleLimits } from './files.ts';
import { readTar, TarError } from './tar.ts';

/** In a folder nothing else that is hidden belongs to the bundle: `.git`, or what Kubernetes keeps beside its links. */
const visible = /^(?:\.manifest|\.signatures\.json|[^.][^/]*(?:\/[^./][^/]*)*)$/;

/** Reads a bundle, a `.tar.gz` or a folder with the same layout, into memory. Throws PolicyError. */
export async function readBundleFiles(path: string): Promise<BundleFiles> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw missing(path, cause);
  });
  if (found.isDirectory()) return readFolder(path);
  if (found.isFile()) return readArchive(path, found.size);
  throw new PolicyError('bundle-invalid', `${path} is neither a file nor a folder`);
}

async function readArchive(path: string, size: number): Promise<BundleFiles> {
  if (size > bundleLimits.compressedBytes) throw tooLarge(path, `${size} bytes`);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw missing(path, cause);
  });
  return unpackBundle(path, bytes);
}

/** `where` names the bundle in messages. Throws PolicyError. */
export async function unpackBundle(where: string, bytes: Uint8Array): Promise<BundleFiles> {
  const collector = new BundleCollector(where);
  const tar = await decompress(where, bytes);
  try {
    readTar(tar, { entry: () => collector.countEntry(), file: (name, content) => collector.add(name, content) });
  } catch (cause) {
    if (cause instanceof TarError) throw collector.invalid(cause.message);
    throw cause;
  }
  return collector.files;
}

async function decompress(where: string, bytes: Uint8Array): Promise<Uint8Array> {
  // Headers and padding of the most and smallest entries come on top of their content.
  const maxOutputLength = bundleLimits.unpackedBytes + bundleLimits.entries * 1024;
  try {
    // Loaded for who has a bundle that is packed.
    const { gunzip } = await import('node:zlib');
    return await promisify(gunzip)(bytes, { maxOutputLength });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(where, `more than ${maxOutputLength} bytes when it is unpacked`);
    throw new PolicyError('bundle-invalid', `${where} is not a whole .tar.gz: ${message}`, { cause });
  }
}

async function readFolder(folder: string): Promise<BundleFiles> {
  const collector = new BundleCollector(folder);
  const below = await pathsBelow(folder).catch((cause: NodeJS.ErrnoException) => {
    throw missing(folder, cause);
  });
  const names = below.map((path) => relative(folder, path).split(sep).join('/')).filter((name) => visible.test(name));
  // Sorted by code unit: the order that a folder is listed in must not reach the policy.
  for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
    collector.countEntry();
    const content = await readEntry(join(folder, name));
    if (content !== undefined) collector.add(name, content);
  }
  return collector.files;
}

/** Links to files are followed, since Kubernetes mounts volumes so; undefined for a folder, and a link to one. */
async function readEntry(path: string): Promise<Uint8Array | undefined> {
  try {
    const { size, isFile } = await factsOf(path);
    if (!isFile) return undefined;
    if (size > bundleLimits.unpackedBytes) throw tooLarge(path, `${size} bytes`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    throw missing(path, cause as NodeJS.ErrnoException);
  }
}

async function factsOf(path: string): Promise<{ readonly size: number; readonly isFile: boolean }> {
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) return { size: found.size, isFile: found.isFile() };
  throw new PolicyError('bundle-invalid', `${path} is not a regular file`);
}

function missing(path: string, cause: NodeJS.ErrnoException): PolicyError {
  return new PolicyError('bundle-missing', `cannot read the bundle ${path}: ${systemErrorText(cause)}`, { cause });
}

function tooLarge(path: string, what: string): PolicyError {
  return new PolicyError('policy-too-large', `${path} has ${what}; at most ${bundleLimits.unpackedBytes} fit`);
}
