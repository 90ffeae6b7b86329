import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { findProgram } from '../../bench/peers/programs.ts';

const folder = new URL('../../deploy/envoy-sds/', import.meta.url);
const envoy = findProgram('envoy');

void test('an Envoy by SDS, a Portcullis by the Workload API: allowed, denied, refused, revoked, renewed', {
  timeout: 280_000,
  skip: envoy === undefined && 'no envoy: npm run bench -- --install',
}, async (t) => {
  const run = { env: { ...process.env, ENVOY: envoy ?? '' } };
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    const words = [fileURLToPath(new URL('demo.mjs', folder))];
    execFile(process.execPath, words, run, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });
  t.equal(code, 0);
  const shown = /\$ node deploy\/envoy-sds\/demo\.mjs\n([^]*?)```/.exec(
    readFileSync(new URL('README.md', folder), 'utf8'),
  );
  const anySerial = (text = '') => text.replaceAll(/serial \w{8}/g, 'serial ...');
  t.equal(anySerial(said), anySerial(shown?.[1]));
});
