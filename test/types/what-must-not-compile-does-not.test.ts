import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'tap';

/**
 * Each fixture names the diagnostics it must give, `// expect-error: TSnnnn` above the line; exactly those, so that a
 * fixture which fails for another reason than the one it is there for is found out.
 */
const folder = join(import.meta.dirname, 'fixtures');

function expected(file: string): string[] {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const code = /^\s*\/\/ expect-error: (TS\d+)$/.exec(line)?.[1];
    return code === undefined ? [] : [`${index + 2}: ${code}`];
  });
}

function diagnostics(): Map<string, string[]> {
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  // tap puts its coverage loader into NODE_OPTIONS of every child, and tsc's launcher does not start under it.
  const words = ['-u', 'NODE_OPTIONS', tsc, '--project', folder, '--pretty', 'false'];
  const { stdout, error } = spawnSync('env', words, { encoding: 'utf8' });
  if (error !== undefined) throw error;

  const found = new Map<string, string[]>();
  for (const [, path, line, code] of stdout.matchAll(/^(\S+?)\((\d+),\d+\): error (TS\d+):/gm)) {
    if (path === undefined || !path.includes('types/fixtures/')) continue;
    const file = basename(path);
    found.set(file, [...(found.get(file) ?? []), `${line}: ${code}`]);
  }
  return found;
}

const found = diagnostics();
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.ts'));

for (const file of fixtures) {
  const wanted = expected(file);
  const sentence = wanted.length === 0 ? 'compiles' : 'is refused by the compiler';
  test(`${file.replace('.ts', '').replaceAll('-', ' ')} ${sentence}`, async (t) => {
    t.same(found.get(file) ?? [], wanted);
  });
}

test('the harness sees errors, and code that has none', async (t) => {
  t.equal(expected('right-order-compiles.ts').length, 0);
  t.ok(found.size >= 4);
  t.ok(fixtures.length > found.size);
});
