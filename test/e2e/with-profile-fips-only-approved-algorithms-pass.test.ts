import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { changeConfig } from '../harness/change-files.ts';
import { exchange, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { type KeyKind, makeAuthority, makeKey } from '../pki/authority.ts';
import type { LeafOptions } from '../pki/pki.ts';

/** What `openssl s_client` reads when it sends one request; how it ends is of no interest. */
function openssl({ port, folder }: TestProxy, words: readonly string[]): Promise<string> {
  const pem = join(folder, 'client.pem');
  const identity = ['-cert', pem, '-cert_chain', pem, '-key', join(folder, 'client.key')];
  const address = ['-connect', `127.0.0.1:${port}`, '-ign_eof'];
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', ['s_client', ...address, ...identity, ...words]);
    let out = '';
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => (out += chunk));
    child.stdin.on('error', () => undefined).end(requestText('GET', '/fips', ['Connection: close']));
    child.on('error', reject).on('close', () => resolve(out));
  });
}

const accepted: readonly (readonly string[])[] = [
  ['-groups', 'P-256'],
  ['-groups', 'P-384'],
  ['-groups', 'X25519:P-384'],
  ['-ciphersuites', 'TLS_AES_128_GCM_SHA256'],
  ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384'],
  ['-sigalgs', 'ecdsa_secp256r1_sha256'],
];
const refused: readonly (readonly [words: readonly string[], says: RegExp])[] = [
  [['-groups', 'X25519'], /NO_SUITABLE_KEY_SHARE/],
  [['-groups', 'X448:P-521'], /NO_SUITABLE_KEY_SHARE/],
  [['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256'], /NO_SHARED_CIPHER/],
  [['-ciphersuites', 'TLS_AES_128_CCM_SHA256'], /NO_SHARED_CIPHER/],
  [['-sigalgs', 'ed25519:ecdsa_secp521r1_sha512'], /NO_SUITABLE_SIGNATURE|NO_SHARED_SIGNATURE/],
  [['-tls1_2'], /UNSUPPORTED_PROTOCOL/],
];

void test('listener, certificates and records of a proxy with profile: fips', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { profile: 'fips' } });
  writeFileSync(join(proxy.folder, 'client.pem'), proxy.client.certPem);
  writeFileSync(join(proxy.folder, 'client.key'), proxy.client.keyPem);

  const statement = /the cryptographic module is NOT validated: OpenSSL \S+ of Node \S+ runs without a FIPS provider/;
  t.match(proxy.log(), new RegExp(`"level":"warn","event":"fips","validated":"no","statement":"${statement.source}`));
  const start = proxy.audit().find(({ type }) => type === 'proc.start');
  t.match(start?.['detail'], new RegExp(`^profile fips: ${statement.source}`), 'the audit says it too');
  t.match(proxy.log(), /"level":"warn","event":"installation","statement":"own files are not verified/);
  t.match(start?.['detail'], /; own files are not verified/, 'a strict profile says what it has not looked at');

  for (const words of accepted) t.ok(/^HTTP\/1\.1 200/m.test(await openssl(proxy, words)), words.join(' '));
  await proxy.untilRecord(({ tls }) => (tls as { group?: string } | undefined)?.group === 'secp384r1');
  const served = workload.hits();
  for (const [words, detail] of refused) {
    const attempt = async () => ((await openssl(proxy, words)).includes('HTTP/1.1') ? 'an answer' : '');
    t.match(await expectRefusal(t, proxy, words.join(' '), 'protocol', attempt), { detail });
  }

  const pki = await proxyPki(proxy.folder);
  const path = '/ns/t/sa/client';
  const issuerWith = async (kind: KeyKind) => {
    const key = await makeKey(kind);
    const authority = { name: `with ${kind}`, nowMs: Date.now(), issuer: pki.root, pathLength: 0, key };
    return { path, issuer: await makeAuthority(authority) };
  };
  const good: readonly LeafOptions[] = [{ path, key: 'P-384' }, { path, key: 'RSA-2048' }, await issuerWith('P-384')];
  for (const leaf of good) {
    const { answer, client } = await exchange(proxy.port, await pki.issue(leaf), requestText('GET', '/fips'));
    t.equal(answer?.status, 200);
    client.close();
  }
  const bad: readonly (readonly [string, LeafOptions, string, RegExp])[] = [
    // Their signature in the handshake is not asked for, so that such a client shows no certificate at all.
    ['a key of Ed25519', { path, key: 'Ed25519' }, 'no-certificate', /no certificate/],
    ['a key of P-521', { path, key: 'P-521' }, 'no-certificate', /no certificate/],
    ['an issuer with Ed25519', await issuerWith('Ed25519'), 'weak-key', /signature algorithm Ed25519 is not approved/],
    ['an issuer with P-521', await issuerWith('P-521'), 'weak-key', /issuer CN=with P-521: key EC P-521 is not app/],
  ];
  for (const [rule, leaf, reason, detail] of bad) {
    const refusal = await expectRefusal(t, proxy, rule, reason, offering(proxy, await pki.issue(leaf)));
    t.match(refusal, { detail }, rule);
  }
  t.equal(workload.hits(), served + good.length, 'nobody else was served');

  changeConfig(proxy, { profile: 'standard' });
  const record = await proxy.untilRecord(({ type }) => type === 'config.reject');
  t.match(record, { reason: 'config-needs-restart', detail: /profile/ }, 'it is not left while the proxy runs');
  t.equal(await proxy.stop(), 0);
});
