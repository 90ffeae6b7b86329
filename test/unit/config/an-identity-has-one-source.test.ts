import { dirname, join } from 'node:path';
import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

const files = '{ certificate: ./svid.pem, key: ./svid.key, bundle: ./bundle.pem }';
const fromFiles = change('passphrase_file: ./pass', `files: ${files}`);

test('files take the place of the local CA; they are absolute, and not looked at before the start', async (t) => {
  const file = writeFolder(t.testdir(), fromFiles);
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const at = (name: string) => join(dirname(file), name);
  const source = { kind: 'files', certificate: at('svid.pem'), key: at('svid.key'), bundle: at('bundle.pem') };
  t.strictSame(loaded.config.identity.source, { ...source, overdueShare: 0.8 });
  t.notMatch(loaded.watched, [at('svid.pem')], 'a rotation is no reason to load the configuration again');
  t.match(
    configSummary(loaded.config, { color: false }),
    `identity  spiffe://shop.test/orders, from ${at('svid.pem')}`,
  );
});

test('what is of the local CA does not stand beside files, each key said at its place', async (t) => {
  const both = good.replace(
    '  passphrase_file: ./pass',
    `  passphrase_file: ./pass\n  key: P-384\n  svid_lifetime: 2h\n  files: ${files}`,
  );
  t.strictSame(await problemsOf(writeFolder(t.testdir(), both)), [
    'portcullis.yaml:4:3: identity.passphrase_file: is of the local CA, and `files` stands in its place',
    'portcullis.yaml:5:3: identity.key: is of the local CA, and `files` stands in its place',
    'portcullis.yaml:6:3: identity.svid_lifetime: is of the local CA, and `files` stands in its place',
  ]);
});

test('a file that is left out, pasted or misnamed, and a share that is none', async (t) => {
  const wrong = {
    '{ certificate: ./svid.pem, key: ./svid.key }': /identity\.files\.bundle: is required/,
    '{ certificate: "-----BEGIN CERTIFICATE-----", key: k, bundle: b }':
      /certificate: a key or certificate is named by its file, never pasted/,
    '{ cert: a, key: k, bundle: b, certificate: c }':
      /files\.cert: unknown key; allowed: certificate, key, bundle, overdue_at/,
    '{ certificate: c, key: k, bundle: b, overdue_at: 80 }':
      /overdue_at: 80 is out of range; allowed: a number over 0, up to 1/,
    './svid.pem': /identity\.files: expected a map, got `\.\/svid\.pem`/,
  };
  for (const [text, problem] of Object.entries(wrong)) {
    const problems = await problemsOf(writeFolder(t.testdir(), change('passphrase_file: ./pass', `files: ${text}`)));
    t.match(problems, [problem], text);
  }
});
