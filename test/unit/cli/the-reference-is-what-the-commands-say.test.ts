import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { allCommands } from '../../../proxy/cli/all-commands.ts';
import { cliReference } from '../../../proxy/cli/help.ts';

test('docs/cli.md is up to date (node proxy/cli/write-reference.ts)', async (t) => {
  const written = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  t.equal(written, cliReference(allCommands));
});

test('every command documents its exit codes, and no two are called the same', async (t) => {
  for (const { path, exitCodes, summary } of allCommands) {
    t.ok(0 in exitCodes, `${path.join(' ')} says when it exits with 0`);
    t.ok(summary.length > 0);
  }
  t.equal(new Set(allCommands.map(({ path }) => path.join(' '))).size, allCommands.length);
});
