import { readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Diagnostic, PolicyError } from '../errors.ts';
import { pathsBelow } from '../paths-below.ts';
import { systemErrorText } from '../system-error.ts';
import type { SourceFile } from './job.ts';

/** Rego text under names that do not depend on where the folder lies, so that a policy has one revision everywhere. */
export type Sources = {
  readonly files: readonly SourceFile[];
  /** Name as the compiler knows it -> path as the user wrote it. */
  readonly paths: ReadonlyMap<string, string>;
};

const regoFile = /\.rego$/;
const testFile = /_test\.rego$/;
/** Kubernetes keeps the files of a volume once more in `..2026_11_21_…/`, behind the links that stand for them. */
const hidden = /(?:^|[\\/])\./;

/** Files, and folders with everything below them that is not hidden; `policy` leaves out `*_test.rego`. Throws PolicyError. */
export async function readSources(roots: readonly string[], which: 'policy' | 'policy and tests'): Promise<Sources> {
  const files: SourceFile[] = [];
  const paths = new Map<string, string>();
  for (const [index, root] of roots.entries()) {
    for (const path of await regoPaths(root)) {
      if (which === 'policy' && testFile.test(path.file)) continue;
      const plain = join(basename(root), path.below);
      const name = paths.has(plain) ? join(String(index), plain) : plain;
      files.push({ name, text: await readText(path.file) });
      paths.set(name, path.file);
    }
  }
  if (files.length === 0) {
    throw new PolicyError(
      'rego-missing',
      `no .rego file in ${roots.length === 0 ? 'an empty list' : roots.join(', ')}`,
    );
  }
  return { files, paths };
}

/** The compiler's diagnostics with the paths that the user knows. */
export function withPaths(diagnostics: readonly Diagnostic[], { paths }: Sources): readonly Diagnostic[] {
  return diagnostics.map((found) => ({ ...found, file: paths.get(found.file) ?? found.file }));
}

async function regoPaths(root: string): Promise<readonly { readonly file: string; readonly below: string }[]> {
  const found = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    throw new PolicyError('rego-missing', `cannot find the policy ${root}: ${systemErrorText(cause)}`, { cause });
  });
  if (!found.isDirectory()) {
    if (regoFile.test(root)) return [{ file: root, below: '' }];
    throw new PolicyError('rego-missing', `${root} is neither a folder nor a .rego file`);
  }
  const paths = await pathsBelow(root).catch((cause: NodeJS.ErrnoException) => {
    throw new PolicyError('rego-unreadable', `cannot list ${root}: ${systemErrorText(cause)}`, { cause });
  });
  // Sorted by code unit: the order that a folder is listed in must not reach the compiled policy.
  return paths
    .map((path) => relative(root, path))
    .filter((entry) => regoFile.test(entry) && !hidden.test(entry))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((entry) => ({ file: join(root, entry), below: entry }));
}

async function readText(file: string): Promise<string> {
  const bytes = await readRegular(file).catch((cause: unknown) => {
    throw new PolicyError('rego-unreadable', `cannot read ${file}: ${systemErrorText(cause)}`, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PolicyError('rego-unreadable', `${file} is not UTF-8`, { cause });
  }
}

/** A pipe that nobody writes to would be waited for without an end. */
async function readRegular(file: string): Promise<Uint8Array> {
  if (!(await stat(file)).isFile()) throw new Error('it is not a regular file');
  return readFile(file);
}
