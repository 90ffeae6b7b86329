import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { createListener, type ListenerParts } from '../../../proxy/data/listener.ts';
import { listenerOptions } from '../../../proxy/data/tls-options.ts';
import type { WireRequest } from '../../../proxy/transport.ts';
import { connectRaw } from '../../harness/client.ts';
import { makePki } from '../../pki/pki.ts';

const minute = 60_000;
const nowMs = Date.now();
const pki = await makePki({ trustDomain: 'shop.example' });
const [own, client] = await Promise.all([pki.issue({ path: '/proxy' }), pki.issue()]);
const trust = readTrustBundle(pki.trust);
const limits = {
  maxHeadBytes: 1000,
  maxHeaders: 10,
  maxRequestsPerConnection: 10,
  headMs: minute,
  keepAliveMs: minute,
  handshakeMs: minute,
  maxConnectionAgeMs: 1000 * minute,
};
const config = { profile: 'standard', limits, drainMs: minute } as Config;

/** A listener with one client, which has sent half a head; `begun` are the exchanges so far. */
async function listening(t: Test) {
  const begun: WireRequest[] = [];
  const nothing = () => undefined;
  const { certPem, keyPem, serial } = own;
  const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
  const svid = { spiffeId, chainPem: certPem, keyPem, serial, notBeforeMs: 0, notAfterMs: nowMs + minute };
  const listener = createListener(listenerOptions(svid, pki.trust, config), {
    clock: { nowMs: () => nowMs, monotonicMs: () => 0, monotonicNs: () => 0n },
    snapshot: () => ({ trust, digest: '', config }),
    limits: { connections: { acquire: () => ({ release: nothing }) } },
    measurements: { handshakeAccepted: nothing, connectionOpened: nothing, connectionClosed: nothing },
    ownSvid: () => ({ notAfterMs: svid.notAfterMs, replaced: undefined }),
    newId: () => 'id',
    bug: (cause: unknown) => t.fail(String(cause)),
    serve: (_: unknown, request: WireRequest) => begun.push(request),
  } as unknown as ListenerParts);
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  const { port } = listener.server.address() as AddressInfo;
  const accepted = once(listener.server, 'secureConnection');
  const tcp = connectTcp(port, '127.0.0.1');
  await once(tcp, 'connect');
  const { write } = await connectRaw(port, client, { socket: tcp });
  const [socket] = (await accepted) as [TLSSocket];
  write('GET / HTTP/1.1\r\n');
  await once(socket, 'data');
  return { ...listener, begun, tcp };
}

void test('a head that the limit of a drain breaks off is an exchange before the drain is over', async (t) => {
  const { drain, breakOff, begun } = await listening(t);
  const drained = drain();
  breakOff();
  await drained;
  t.match(begun, [{ head: { code: 'drain-timeout' } }]);
});

void test('so is a head whose client resets the connection meanwhile', async (t) => {
  const { drain, begun, tcp } = await listening(t);
  const drained = drain();
  tcp.resetAndDestroy();
  await drained;
  t.match(begun, [{ head: { code: 'client-aborted' } }]);
});
