import type { PeerSvid } from '../../certs/peer.ts';
import type { Config } from '../config/config.ts';
import type { Accepted, ConnectionFacts } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';

type Told = { readonly config: Config; readonly headers: HeaderList; readonly lines: string };

/** The same for every request of a connection, until a reload. */
const told = new WeakMap<ConnectionFacts, Told>();

/** `lines` are the headers as they stand in a head. */
export function identityHeaders(facts: Pick<Accepted, 'connection' | 'snapshot'>): Told {
  const { connection, snapshot } = facts;
  const known = told.get(connection);
  if (known?.config === snapshot.config) return known;
  const headers = makeHeaders(facts);
  const lines = headers.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
  const made: Told = { config: snapshot.config, headers, lines };
  told.set(connection, made);
  return made;
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
