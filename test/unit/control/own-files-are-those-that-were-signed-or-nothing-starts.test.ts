import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { verifyInstallation } from '../../../proxy/installation.ts';

const writeSums = fileURLToPath(new URL('../../../.ci/image/sums.mjs', import.meta.url));
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** A program of some files, Node beside it, and the list of both, signed as docs and Dockerfile have it. */
function install(t: Test) {
  const folder = t.testdir({
    program: { 'main.js': 'main', node_modules: { a: { 'index.js': 'a' } }, '.cache': { v: { x: 'x' } } },
    bin: { node: 'node' },
    config: { 'key.pem': keys.publicKey },
  });
  const [root, node] = [join(folder, 'program'), join(folder, 'bin/node')];
  execFileSync(process.execPath, [writeSums, root, node]);
  const config = { publicKeyFile: join(folder, 'config/key.pem'), signatureFile: join(folder, 'config/sums.sig') };
  writeFileSync(join(folder, 'config/private.pem'), keys.privateKey, { mode: 0o600 });
  const resign = (pem = keys.privateKey) =>
    writeFileSync(config.signatureFile, sign('sha256', readFileSync(join(root, 'SHA256SUMS')), createPrivateKey(pem)));
  resign();
  return { folder, root, node, config, resign, verified: () => verifyInstallation(config, { root, node }) };
}

test('what was signed is found as it was, with a signature by openssl too', async (t) => {
  const { folder, root, config, verified } = install(t);
  t.match(await verified(), /^4 own files are as signed, SHA256SUMS sha256:[0-9a-f]{64}$/);
  const words = ['dgst', '-sha256', '-sign', join(folder, 'config/private.pem'), '-out', config.signatureFile];
  execFileSync('openssl', [...words, join(root, 'SHA256SUMS')]);
  t.match(await verified(), /^4 own files/);
  t.match(execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: root, encoding: 'utf8' }), /main\.js: OK/);
});

const changes: Readonly<Record<string, readonly [(parts: ReturnType<typeof install>) => void, RegExp]>> = {
  'one byte of the program': [({ root }) => writeFileSync(join(root, 'main.js'), 'mbin'), /main\.js is another$/],
  'of a package': [({ root }) => appendFileSync(join(root, 'node_modules/a/index.js'), ' '), /index\.js is another$/],
  'of what V8 compiled': [({ root }) => writeFileSync(join(root, '.cache/v/x'), 'y'), /\.cache\/v\/x is another$/],
  'of Node': [({ node }) => writeFileSync(node, 'nodf'), /bin\/node is another$/],
  'a file that is missing': [({ root }) => rmSync(join(root, 'main.js')), /main\.js: ENOENT$/],
  'a file that is new': [({ root }) => writeFileSync(join(root, 'package.json'), '{}'), /package\.json is not among/],
  'a link in place of a file': [
    ({ root }) => {
      renameSync(join(root, 'main.js'), join(root, '../main.js'));
      symlinkSync('../main.js', join(root, 'main.js'));
    },
    /main\.js \(no regular file\) is not among/,
  ],
  'a list that is another, with the old signature': [
    ({ root, node }) => {
      writeFileSync(join(root, 'main.js'), 'evil');
      execFileSync(process.execPath, [writeSums, root, node]);
    },
    /is not the signature of/,
  ],
  'no list': [({ root }) => rmSync(join(root, 'SHA256SUMS')), /there is no .*SHA256SUMS to compare with \(ENOENT\)/],
  'a list without Node': [
    ({ root, resign }) => {
      execFileSync(process.execPath, [writeSums, root]);
      resign();
    },
    /bin\/node is not among the signed files$/,
  ],
  'a list with a line that is none': [
    ({ root, resign }) => {
      appendFileSync(join(root, 'SHA256SUMS'), 'deadbeef  main.js\n');
      resign();
    },
    /line 5 of SHA256SUMS is no digest/,
  ],
  'a signature by another key': [
    ({ resign }) =>
      resign(
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
          type: 'pkcs8',
          format: 'pem',
        }) as string,
      ),
    /is not the signature of/,
  ],
  'a signature that is none': [({ config }) => writeFileSync(config.signatureFile, ''), /is not the signature of/],
  'a key of another kind': [
    ({ config }) => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
      writeFileSync(config.publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
    },
    /is not a public key on P-256 or P-384/,
  ],
  'a key that is none': [({ config }) => writeFileSync(config.publicKeyFile, 'key'), /is not a public key on/],
};

test('and refused is', async (t) => {
  for (const [name, [change, message]] of Object.entries(changes)) {
    const installation = install(t);
    change(installation);
    await t.rejects(installation.verified(), { code: 'installation-altered', message }, name);
  }
});
