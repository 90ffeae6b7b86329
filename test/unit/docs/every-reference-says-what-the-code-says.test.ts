import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { references } from '../../../proxy/cli/references.ts';

test('the generated documents are up to date (npm run docs)', async (t) => {
  for (const [path, text] of await references()) {
    const file = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
    // The formatter folds short arrays of the schema, so that one is compared as a value.
    if (path.endsWith('.json')) t.same(JSON.parse(file), JSON.parse(text), path);
    else t.equal(file, text, path);
  }
});
