import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** With what they import from beside them, and so on. */
function withImports(paths: readonly string[], found: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  return paths.reduce<ReadonlySet<string>>((all, path) => {
    if (all.has(path)) return all;
    const imported = [...read(path).matchAll(/from '(\.[^']+)'/g)].map(([, name = '']) => join(dirname(path), name));
    return withImports(imported, new Set([...all, path]));
  }, found);
}

test('every program that the Dockerfile runs is let through .dockerignore, with all that it imports', async (t) => {
  const [everything, ...others] = read('.dockerignore').trim().split('\n').slice(1);
  t.equal(everything, '*', 'nothing goes that is not named');
  const allowed = others.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  t.same(
    allowed.filter((path) => !existsSync(join(root, path))),
    [],
    'nothing is named that is not there',
  );
  const run = [...read('Dockerfile').matchAll(/\bnode (?:\/src\/)?(\.ci\/\S+\.mjs)/g)].map(([, path = '']) => path);
  t.ok(run.includes('.ci/build.mjs'));
  const needed = [...withImports(run)];
  t.ok(needed.includes('.ci/bundle.mjs'));
  const isAllowed = (path: string) => allowed.some((one) => path === one || !relative(one, path).startsWith('..'));
  t.same(
    needed.filter((path) => !isAllowed(path)),
    [],
  );
});
