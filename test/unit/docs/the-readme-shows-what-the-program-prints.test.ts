import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { scenarios } from '../../../proxy/demo/scenarios.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('the README has the example configuration as it is checked elsewhere', async (t) => {
  t.ok(read('README.md').includes(`\`\`\`yaml\n${read('proxy/config/example.yaml')}\`\`\``));
});

test('the README has a row for each request of the demo', async (t) => {
  const readme = read('README.md');
  for (const { title } of scenarios) t.ok(readme.includes(`\n${title} `), title);
});
