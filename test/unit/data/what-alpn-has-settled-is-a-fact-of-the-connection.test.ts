import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { failedHandshake, readHandshake } from '../../../proxy/data/handshake.ts';
import { listenerOptions } from '../../../proxy/data/tls-options.ts';
import { protocolOf } from '../../../proxy/policy-input.ts';
import { makePki } from '../../pki/pki.ts';

const nowMs = Date.now();
const pki = await makePki({ trustDomain: 'shop.example', nowMs });
const [{ certPem, keyPem, serial }, client] = await Promise.all([pki.issue({ path: '/proxy' }), pki.issue()]);
const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
const svid = { spiffeId, chainPem: certPem, keyPem, serial, notBeforeMs: 0, notAfterMs: nowMs + 60_000 };
const known = { id: 'id', remote: { ip: '127.0.0.1', port: 1 }, nowMs, trust: readTrustBundle(pki.trust) };

/** What is known of a connection of a client that offers this, or why there is none. */
async function settled(t: Test, http2: Config['http2'], offered: readonly string[] | undefined) {
  const config = { profile: 'standard', limits: { handshakeMs: 60_000 }, http2 } as Config;
  const server = createServer(listenerOptions(svid, pki.trust, config)).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const outcome = new Promise<TLSSocket | Error>((resolve) => {
    server.once('secureConnection', resolve);
    server.once('tlsClientError', resolve);
  });
  const asking = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    cert: client.certPem,
    key: client.keyPem,
    rejectUnauthorized: false,
    ...(offered === undefined ? {} : { ALPNProtocols: [...offered] }),
  });
  // The alert, where there is no connection.
  asking.on('error', () => undefined);
  t.teardown(() => asking.destroy());
  const accepted = await outcome;
  if (accepted instanceof Error) return failedHandshake(accepted).detail;
  t.teardown(() => accepted.destroy());
  const facts = readHandshake(accepted, known);
  if (isHandshakeRefusal(facts)) throw new Error(facts.detail);
  return [facts.tls.alpn, protocolOf(facts.tls.alpn)];
}

const refused = 'ERR_SSL_NO_APPLICATION_PROTOCOL';
const http1 = ['http/1.1', 'HTTP/1.1'];

const cases: readonly (readonly [offered: readonly string[] | undefined, without: unknown, withHttp2: unknown])[] = [
  [undefined, [undefined, 'HTTP/1.1'], [undefined, 'HTTP/1.1']],
  [['http/1.1'], http1, http1],
  [['h2'], refused, ['h2', 'HTTP/2']],
  [['h2', 'http/1.1'], http1, ['h2', 'HTTP/2']],
  // The order is ours.
  [['http/1.1', 'h2'], http1, ['h2', 'HTTP/2']],
  [['unknown', 'http/1.1'], http1, http1],
  [['H2', 'h2c', 'h3'], refused, refused],
];

for (const [offered, without, withHttp2] of cases) {
  void test(`a client that offers ${offered?.join(', ') ?? 'nothing'}`, async (t) => {
    t.same(await settled(t, undefined, offered), without, 'HTTP/1.1 alone is served');
    t.same(await settled(t, { maxStreams: 1 }, offered), withHttp2, 'HTTP/2 too');
  });
}
