import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { openLocalCa } from '../../../certs/local-ca/local-ca.ts';
import { writeSvid } from '../../../certs/local-ca/write-svid.ts';
import { judgePeer } from '../../../certs/peer.ts';
import { readPkcs12, writePkcs12 } from '../../../certs/pkcs12.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { parseCertificatesPem } from '../../../certs/parse-certificate.ts';

const run = promisify(execFile);
const openssl = async (...words: string[]) => (await run('openssl', words)).stdout;

async function issued(t: Test, keyAlgorithm: 'P-256' | 'P-384') {
  const folder = t.testdir();
  const ca = await openLocalCa({
    stateFolder: join(folder, 'state'),
    trustDomain: parseTrustDomain('shop.example'),
    keyAlgorithm,
    now: Date.now,
  });
  t.teardown(ca.close);
  const svid = await ca.issue({
    spiffeId: parseSpiffeId('spiffe://shop.example/web'),
    lifetimeMs: 3_600_000,
    dnsNames: ['localhost'],
  });
  const out = join(folder, 'svid');
  await writeSvid(out, svid, ca.trustBundle());
  return { ca, svid, file: (name: string) => join(out, name) };
}

for (const keyAlgorithm of ['P-256', 'P-384'] as const) {
  test(`${keyAlgorithm}: strict verification as client and as server`, async (t) => {
    const { file } = await issued(t, keyAlgorithm);
    for (const purpose of ['sslclient', 'sslserver']) {
      const words = [
        '-x509_strict',
        '-purpose',
        purpose,
        '-CAfile',
        file('bundle.pem'),
        '-untrusted',
        file('svid.pem'),
      ];
      t.match(await openssl('verify', ...words, file('svid.pem')), /svid\.pem: OK/);
    }
    const text = await openssl('x509', '-in', file('svid.pem'), '-noout', '-text');
    t.match(text, /URI:spiffe:\/\/shop\.example\/web, DNS:localhost\n/);
    t.match(text, /Key Usage: critical\n\s+Digital Signature\n/);
    t.match(text, /Basic Constraints: critical\n\s+CA:FALSE\n/);
    t.match(text, keyAlgorithm === 'P-256' ? /ecdsa-with-SHA256/ : /ecdsa-with-SHA384/);
  });
}

test('the files have the modes their content asks for', async (t) => {
  const { file } = await issued(t, 'P-256');
  t.equal((await stat(file('svid.key'))).mode & 0o777, 0o600);
  t.equal((await stat(file('svid.pem'))).mode & 0o777, 0o644);
  t.equal((await stat(file('.'))).mode & 0o777, 0o700);
});

test('a revoked SVID is refused by OpenSSL and by judgePeer, and both accept it before', async (t) => {
  const { ca, svid, file } = await issued(t, 'P-256');
  const chainDer = parseCertificatesPem(svid.chainPem).map(({ der }) => der);
  const judge = () => judgePeer(chainDer, null, readTrustBundle(ca.trustBundle()), Date.now());
  const verify = async () => {
    await writeFile(
      file('crls.pem'),
      ca
        .trustBundle()
        .flatMap(({ crlsPem }) => crlsPem)
        .join(''),
    );
    const words = ['-crl_check_all', '-CRLfile', file('crls.pem'), '-CAfile', file('bundle.pem')];
    return openssl('verify', ...words, '-untrusted', file('svid.pem'), file('svid.pem'));
  };
  t.notOk(isHandshakeRefusal(judge()));
  t.match(await verify(), /OK/);
  await ca.revoke(svid.serial);
  t.match(judge(), { refused: 'revoked' });
  await t.rejects(verify(), { message: /certificate revoked/ });
});

test('PKCS#12 goes to OpenSSL and comes back', async (t) => {
  const { svid, file } = await issued(t, 'P-256');
  await writeFile(file('ours.p12'), writePkcs12(svid, 'secret'));
  const password = ['-passin', 'pass:secret'];
  t.match(await openssl('pkcs12', '-in', file('ours.p12'), ...password, '-nodes'), /BEGIN PRIVATE KEY/);
  const files = ['-in', file('svid.pem'), '-inkey', file('svid.key'), '-out', file('theirs.p12')];
  await openssl('pkcs12', '-export', ...files, '-passout', 'pass:secret');
  for (const name of ['ours.p12', 'theirs.p12']) {
    t.same(readPkcs12(await readFile(file(name)), 'secret'), { keyPem: svid.keyPem, chainPem: svid.chainPem }, name);
  }
});

test('a PKCS#12 file that cannot be relied on is refused', async (t) => {
  const { svid, file } = await issued(t, 'P-256');
  const invalid = { code: 'pkcs12-invalid' };
  const good = writePkcs12(svid, 'secret');
  t.throws(() => readPkcs12(good, 'Secret'), invalid);
  t.throws(() => readPkcs12(good.subarray(0, 200), 'secret'), invalid);
  const changed = Uint8Array.from(good);
  changed[300] = (changed[300] ?? 0) ^ 1;
  t.throws(() => readPkcs12(changed, 'secret'), invalid, 'one bit changed');
  t.throws(() => writePkcs12(svid, ''), invalid);
  t.throws(() => writePkcs12(svid, 'pässword'), invalid);
  const files = ['-in', file('svid.pem'), '-inkey', file('svid.key'), '-out', file('open.p12')];
  await openssl('pkcs12', '-export', ...files, '-passout', 'pass:secret', '-nomac');
  const withoutMac = await readFile(file('open.p12'));
  t.throws(() => readPkcs12(withoutMac, 'secret'), { message: /no MAC/ });
  await openssl('pkcs12', '-export', '-nokeys', ...files, '-passout', 'pass:secret');
  const withoutKey = await readFile(file('open.p12'));
  t.throws(() => readPkcs12(withoutKey, 'secret'), { message: /0 private keys/ });
});
