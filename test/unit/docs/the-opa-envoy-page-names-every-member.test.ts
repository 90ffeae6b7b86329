import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { envoyMembers } from '../../../policy/envoy-result.ts';
import { buildInput } from '../../../policy/input.ts';
import { facts, validated } from '../policy/policies.ts';

const page = readFileSync(new URL('../../../docs/opa-envoy.md', import.meta.url), 'utf8');

/** The first column of the table below a heading. */
function rowsOf(heading: string): readonly string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? '');
}

test('the table of results has exactly the members that are read', (t) => {
  t.same(rowsOf('The result').toSorted(), [...envoyMembers].toSorted());
  t.end();
});

test('the table of the input has exactly what a policy is given besides `portcullis`', (t) => {
  const connection = { ...facts().connection, serverName: 'people.demo.test' };
  const input = buildInput(facts({ connection, body: validated({ firstname: 'Foo' }) }));
  const rows = rowsOf('The input');
  const leaves = paths(JSON.parse(JSON.stringify(input)) as object, rows).filter((path) => path !== 'portcullis');
  t.same(leaves.toSorted(), rows.toSorted());
  t.end();
});

/** Down to where a row describes the whole, or nothing is inside. */
function paths(value: unknown, described: readonly string[], prefix = ''): readonly string[] {
  if (prefix === 'portcullis' || described.includes(prefix)) return [prefix];
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([name, member]) =>
    paths(member, described, prefix === '' ? name : `${prefix}.${name}`),
  );
}
