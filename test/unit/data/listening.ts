import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { createListener, type ListenerParts } from '../../../proxy/data/listener.ts';
import { listenerOptions } from '../../../proxy/data/tls-options.ts';
import { makePki } from '../../pki/pki.ts';

const minute = 60_000;
const nowMs = Date.now();
const pki = await makePki({ trustDomain: 'shop.example' });
const [own, client] = await Promise.all([pki.issue({ path: '/proxy' }), pki.issue()]);
const trust = readTrustBundle(pki.trust);
const limits = {
  maxConnections: 100,
  maxHeadBytes: 1000,
  maxHeaders: 10,
  maxRequestsPerConnection: 10,
  headMs: minute,
  keepAliveMs: minute,
  handshakeMs: minute,
  maxConnectionAgeMs: 1000 * minute,
};
const workload = { maxConnections: 10 };
const config = { profile: 'standard', threads: 1, limits, workload, drainMs: minute } as Config;

/** What a listener tells the thread that it is of. */
export type Told = Pick<ListenerParts, 'serve' | 'atWork'> & { readonly closed: () => void };

/** A listener by itself, and a client that it lets in. */
export async function startListening(t: Test, { serve, atWork, closed }: Told) {
  const nothing = () => undefined;
  const { certPem, keyPem, serial } = own;
  const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
  const svid = { spiffeId, chainPem: certPem, keyPem, serial, notBeforeMs: 0, notAfterMs: nowMs + minute };
  const listener = createListener(listenerOptions(svid, pki.trust, config), {
    clock: { nowMs: () => nowMs, monotonicMs: () => 0, monotonicNs: () => 0n },
    snapshot: () => ({ trust, digest: '', config }),
    limits: { connections: { acquire: () => ({ release: nothing }) } },
    measurements: { handshakeAccepted: nothing, connectionOpened: nothing, connectionClosed: closed },
    audit: { commit: async () => 'written' },
    ownSvid: () => ({ notAfterMs: svid.notAfterMs, replaced: undefined }),
    newId: () => 'id',
    bug: (cause: unknown) => t.fail(String(cause)),
    atWork,
    serve,
  } as unknown as ListenerParts);
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  return { ...listener, port: (listener.server.address() as AddressInfo).port, client };
}
