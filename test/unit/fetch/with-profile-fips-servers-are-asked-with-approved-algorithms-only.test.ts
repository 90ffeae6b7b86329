import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { download } from '../../../proxy/fetch/download.ts';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import { openFormServer } from '../../../proxy/fetch/post-form.ts';
import { type KeyKind, makeAuthority, makeKey } from '../../pki/authority.ts';
import { type LeafOptions, makePki } from '../../pki/pki.ts';

void test('a server with anything else is not believed, though it is without the profile', async (t) => {
  const nowMs = Date.now();
  const pki = await makePki({ trustDomain: 'shop.example', nowMs });
  const caFile = join(t.testdir({}), 'ca.pem');
  writeFileSync(caFile, pki.caPem);
  const config = { allow: ['127.0.0.0/8'], caFile };
  const [strong, approved] = [await openNetwork(config), await openNetwork(config, 'approved')];
  const issuerWith = async (kind: KeyKind): Promise<LeafOptions> => {
    const key = await makeKey(kind);
    return { issuer: await makeAuthority({ name: kind, nowMs, issuer: pki.root, pathLength: 0, key }) };
  };
  const tls12 = (ciphers: string) => ({ maxVersion: 'TLSv1.2', ciphers }) as const;

  const cases: readonly (readonly [what: string, leaf: LeafOptions, tls: ServerOptions, wrong?: RegExp])[] = [
    ['P-256', {}, {}],
    ['P-384', { key: 'P-384' }, { ecdhCurve: 'P-384' }],
    ['RSA', { key: 'RSA-2048' }, {}],
    ['RSA, TLS 1.2', { key: 'RSA-2048' }, tls12('ECDHE-RSA-AES128-GCM-SHA256')],
    ['an issuer with P-384', await issuerWith('P-384'), {}],
    ['X25519', {}, { ecdhCurve: 'X25519' }, /alert|HANDSHAKE/i],
    ['ChaCha20', {}, { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }, /alert|HANDSHAKE/i],
    ['CBC, TLS 1.2', {}, tls12('ECDHE-ECDSA-AES128-SHA256'), /alert|HANDSHAKE/i],
    ['a key of Ed25519', { key: 'Ed25519' }, {}, /alert|HANDSHAKE/i],
    ['a key of P-521', { key: 'P-521' }, {}, /alert|HANDSHAKE/i],
    ['an issuer with Ed25519', await issuerWith('Ed25519'), {}, /signature algorithm Ed25519 is not approved/],
    ['an issuer with P-521', await issuerWith('P-521'), {}, /issuer CN=P-521: key EC P-521 is not approved/],
  ];
  const serve = async (leaf: LeafOptions, tls: ServerOptions = {}) => {
    const { certPem: cert, keyPem: key } = await pki.issue({ dnsNames: ['localhost'], ...leaf });
    const server = createServer({ cert, key, ...tls }, (_, response) =>
      response.setHeader('content-type', 'application/json').end('keys'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    const get = (network: typeof strong) =>
      download({ url, maxBytes: 100, signal: new AbortController().signal }, network);
    const post = async (network: typeof strong) =>
      openFormServer(
        { url, authorization: '', maxBytes: 100, timeoutMs: 5000, maxConnections: 1 },
        network,
      )(new URLSearchParams());
    const close = () => {
      server.closeAllConnections();
      server.close();
    };
    return { both: [get, post], close };
  };
  for (const [what, leaf, tls, wrong] of cases) {
    const { both, close } = await serve(leaf, tls);
    for (const ask of both) {
      t.equal(Buffer.from(await ask(strong)).toString(), 'keys', `${what}: without the profile`);
      if (wrong === undefined) t.equal(Buffer.from(await ask(approved)).toString(), 'keys', `${what}: with it`);
      else await t.rejects(ask(approved), { code: 'fetch-failed', message: wrong }, `${what}: with it`);
    }
    close();
  }
  const { both, close } = await serve({ dnsNames: ['elsewhere.example'] });
  for (const network of [strong, approved]) {
    for (const ask of both)
      await t.rejects(ask(network), { message: /ERR_TLS_CERT_ALTNAME_INVALID/ }, 'the name is still compared');
  }
  close();
});
