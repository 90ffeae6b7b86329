import { existsSync, readFileSync } from 'node:fs';
import { test } from 'tap';

const root = new URL('../../../', import.meta.url);

test('each row of docs/threats.md is held by tests, and all of them are there', (t) => {
  const rows = readFileSync(new URL('docs/threats.md', root), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:attack|fault) \|/.test(line));
  t.ok(rows.length > 40);
  for (const row of rows) {
    const tests = [...(row.split('|').at(-2) ?? '').matchAll(/`((?:e2e|unit|vectors)\/[^`]+)`/g)].map(
      ([, name]) => `test/${name}${name?.endsWith('.json') ? '' : '.test.ts'}`,
    );
    t.ok(tests.length > 0, row);
    for (const file of tests) t.ok(existsSync(new URL(file, root)), file);
  }
  t.end();
});
