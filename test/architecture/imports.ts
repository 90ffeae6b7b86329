import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export type SourceFile = {
  /** Path from the root of the tree, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
};

export type Import = {
  /** A path from the root for our own files, else the name of a package or of a `node:` module. */
  readonly target: string;
  readonly ours: boolean;
  /** Erased before anything runs. */
  readonly typeOnly: boolean;
  /** Loaded when the line is reached, not with the file. */
  readonly dynamic: boolean;
};

// TypeScript 7 has no stable API to parse with. Biome's format makes this enough: a statement starts its line and quotes
// are single. Comments go first, so that a commented-out import does not count.
const statements = /^(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm;
const calls = /\bimport\(\s*'([^']+)'\s*\)|\bnew URL\(\s*'(\.[^']+\.ts)'\s*,\s*import\.meta\.url\s*\)/g;

export function readImports(path: string, source: string): Import[] {
  const text = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = [
    ...[...text.matchAll(statements)].map(([, type, name]) => ({
      name: name ?? '',
      typeOnly: type !== undefined,
      dynamic: false,
    })),
    ...[...text.matchAll(calls)].map(([, name, file]) => ({
      name: name ?? file ?? '',
      typeOnly: false,
      dynamic: true,
    })),
  ];
  return found.map(({ name, typeOnly, dynamic }) => {
    const ours = name.startsWith('.');
    return { target: ours ? posix.join(posix.dirname(path), name) : packageName(name), ours, typeOnly, dynamic };
  });
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Every TypeScript file below the folders named, in a tree that starts at `root`. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.includes('/fixtures/'))
      .sort()
      .map((path) => {
        const text = readFileSync(join(root, path), 'utf8');
        return { path, text, imports: readImports(path, text) };
      }),
  );
}
