import type { PeerSvid } from '../../certs/peer.ts';
import type { Config } from '../config/config.ts';
import type { Accepted, ConnectionFacts } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';

type Told = { readonly config: Config; readonly headers: HeaderList };

/** The same for every request of a connection, until a reload. */
const told = new WeakMap<ConnectionFacts, Told>();

export function identityHeaders(facts: Pick<Accepted, 'connection' | 'snapshot'>): HeaderList {
  const { connection, snapshot } = facts;
  const known = told.get(connection);
  if (known?.config === snapshot.config) return known.headers;
  const headers = makeHeaders(facts);
  told.set(connection, { config: snapshot.config, headers });
  return headers;
}

/**
 * What the workload is told about its caller: the plain SPIFFE ID, and the element of `x-forwarded-client-cert` that
 * Envoy would write. Normalising has dropped everything under these names, so there is one value and it is ours.
 */
function makeHeaders({ connection, snapshot }: Pick<Accepted, 'connection' | 'snapshot'>): HeaderList {
  const { workload, identity } = snapshot.config;
  const { peer, remote } = connection;
  return [
    workload.spiffeIdHeader,
    peer.spiffeId,
    workload.clientCertHeader,
    clientCertElement(peer, identity.spiffeId),
    'x-forwarded-for',
    remote.ip,
    'x-forwarded-proto',
    'https',
  ];
}

/** The alphabet of a SPIFFE ID has none of `,;="`, so only the subject needs quotes (THREATS 1.2, XFCC injection). */
function clientCertElement(peer: PeerSvid, own: string): string {
  const subject = peer.subject.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&');
  return `By=${own};Hash=${peer.fingerprintSha256};Subject="${subject}";URI=${peer.spiffeId}`;
}
