import type { PeerSvid } from '../../certs/peer.ts';
import type { Accepted } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';

/**
 * What the workload is told about its caller: the plain SPIFFE ID, and the element of `x-forwarded-client-cert` that
 * Envoy would write. Normalising has dropped everything under these names, so there is one value and it is ours.
 */
export function identityHeaders({ connection, snapshot }: Pick<Accepted, 'connection' | 'snapshot'>): HeaderList {
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
