import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { refusedNames } from '../../../policy/builtins/refused.ts';
import { opaVersion } from '../../conformance/cases.ts';
import { known, onlyInOpasTests } from '../../conformance/known.ts';
import { knownLine, pageFile } from '../../conformance/page.ts';

/**
 * The page takes minutes to make. What can be held against it in no time is: another OPA, another list of what is known to
 * fail, or a built-in that is refused no more, and the page has to be made anew (npm run conformance -- --write).
 */
const page = readFileSync(pageFile, 'utf8');

const numbers = (line: string): readonly number[] => [...line.matchAll(/\| (\d+)(?= \|)/g)].map(([, n]) => Number(n));
const rows = page.split('\n').filter((line) => /^\| (?:all of )?v[01]/.test(line));

test('the version', (t) => {
  t.match(page, `test cases of OPA ${opaVersion()};`);
  t.end();
});

test('what is known to fail, all of it and nothing else', (t) => {
  const listed = page.split('## Known to fail')[1]?.split('##')[0]?.trim().split('\n');
  t.strictSame(listed, [...known].map(knownLine));
  t.notMatch(page, /of them new/);
  t.end();
});

test('each reason for a refusal is one that is given', (t) => {
  const named = [...page.matchAll(/^- \d+ cases?: the built-in (\S+) /gm)].map(([, name]) => name ?? '');
  t.ok(named.length > 0);
  for (const name of named) t.ok(refusedNames.includes(name) || onlyInOpasTests.has(name), name);
  t.end();
});

test('the totals are those of the lines', (t) => {
  for (const version of ['v0', 'v1']) {
    const [total = ''] = rows.filter((line) => line.startsWith(`| all of ${version} `));
    const lines = rows.filter((line) => line.startsWith(`| ${version}/`)).map(numbers);
    t.strictSame(
      numbers(total),
      numbers(total).map((_n, column) => lines.reduce((sum, line) => sum + (line[column] ?? 0), 0)),
    );
  }
  t.end();
});
