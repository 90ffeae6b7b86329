import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { CertsError, type CertsErrorCode, certsErrors } from '../../../certs/errors.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sources = globSync('{certs/**,proxy/cli}/*.ts', { cwd: root, exclude: ['certs/errors.ts'] })
  .map((file) => readFileSync(`${root}${file}`, 'utf8'))
  .join('\n');

for (const [code, { summary, remedy }] of Object.entries(certsErrors)) {
  test(code, (t) => {
    t.ok(sources.includes(`'${code}'`), 'something fails with it');
    t.match(summary, /^[A-Z].*\.$/);
    t.equal(new CertsError(code as CertsErrorCode, 'what happened').remedy, remedy);
    t.end();
  });
}
