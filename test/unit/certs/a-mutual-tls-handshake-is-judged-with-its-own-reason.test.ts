import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { type Test, test } from 'tap';
import { type HandshakeRefusal, isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer, type PeerSvid } from '../../../certs/peer.ts';
import { presentedChain } from '../../../certs/presented-chain.ts';
import { readTrustBundle, type TrustBundleData } from '../../../certs/trust-bundle.ts';
import { type Credential, makePki } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example' });
const server = await pki.issue({ path: '/proxy', dnsNames: ['localhost'] });

type Judged = { readonly verdict: PeerSvid | HandshakeRefusal; readonly openssl: string | null };

/** A real server as the listener will be: OpenSSL verifies but does not refuse, so that the reason can be known. */
async function listen(t: Test, data: TrustBundleData) {
  const trust = readTrustBundle(data);
  const crls = data.flatMap(({ crlsPem }) => crlsPem);
  const listener = tls.createServer({
    cert: server.certPem,
    key: server.keyPem,
    ca: data.flatMap(({ rootsPem }) => rootsPem),
    ...(crls.length === 0 ? {} : { crl: crls }),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  const judged = new Promise<Judged>((resolve) => {
    listener.once('secureConnection', (socket) => {
      const openssl = socket.authorizationError as unknown as string | null;
      resolve({
        verdict: judgePeer(presentedChain(socket.getPeerX509Certificate()), openssl, trust, pki.nowMs),
        openssl,
      });
      socket.on('error', () => undefined).destroy();
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  return { port: (listener.address() as AddressInfo).port, judged };
}

async function handshake(t: Test, client: Partial<Credential>, data = pki.trust): Promise<Judged> {
  const { port, judged } = await listen(t, data);
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: pki.caPem,
    ...(client.certPem === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
  });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return judged;
}

function reason({ verdict }: Judged): string | undefined {
  return isHandshakeRefusal(verdict) ? verdict.refused : undefined;
}

test('a good client is accepted by both, and the client accepts the server by its host name', async (t) => {
  const { verdict, openssl } = await handshake(t, await pki.issue());
  t.equal(openssl, null);
  t.match(verdict, { spiffeId: 'spiffe://shop.example/client' });
});

test('a client without a certificate', async (t) => {
  t.equal(reason(await handshake(t, {})), 'no-certificate');
});

test('a client of another CA', async (t) => {
  const stranger = await makePki({ trustDomain: 'shop.example' });
  t.equal(reason(await handshake(t, await stranger.issue())), 'untrusted');
});

test('a revoked client, with the CRLs given to OpenSSL as well', async (t) => {
  const revoked = await pki.issue();
  const crls = (await pki.crl([revoked.serial])) + (await pki.crl([], { by: pki.root }));
  const data = pki.trustWith(crls);
  const refused = await handshake(t, revoked, data);
  t.equal(reason(refused), 'revoked');
  t.equal(refused.openssl, 'CERT_REVOKED');
  const good = await handshake(t, await pki.issue(), data);
  t.equal(good.openssl, null);
  t.equal(reason(good), undefined);
});
