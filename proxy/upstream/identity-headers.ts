import type { PeerSvid } from '../../certs/peer.ts';
import { isPresented } from '../caller/caller.ts';
import type { Config } from '../config/config.ts';
import type { Accepted, ConnectionFacts } from '../exchange.ts';
import type { Identified } from '../filters/identity.ts';
import type { HeaderList } from '../header-list.ts';

type Told = { readonly config: Config; readonly headers: HeaderList; readonly lines: string };

/** The same for every request of a connection, until a reload. */
const told = new WeakMap<ConnectionFacts, Told>();

/** `lines` are the headers as they stand in a head. */
export function identityHeaders(facts: Pick<Accepted & Identified, 'connection' | 'snapshot' | 'caller'>): Told {
  const { connection, snapshot, caller } = facts;
  // Many callers come on one connection of a load balancer.
  if (isPresented(caller)) return tell(facts);
  const known = told.get(connection);
  if (known?.config === snapshot.config) return known;
  const made = tell(facts);
  told.set(connection, made);
  return made;
}

function tell(facts: Pick<Accepted & Identified, 'connection' | 'snapshot' | 'caller'>): Told {
  const headers = makeHeaders(facts);
  const lines = headers.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
  return { config: facts.snapshot.config, headers, lines };
}

/**
 * What the workload is told about its caller: the plain SPIFFE ID, and, of the certificate of the peer, the element of `x-forwarded-client-cert` that
 * Envoy would write. Normalising has dropped everything under these names, so there is one value and it is ours.
 */
function makeHeaders({
  connection,
  snapshot,
  caller,
}: Pick<Accepted & Identified, 'connection' | 'snapshot' | 'caller'>): HeaderList {
  const { workload, identity } = snapshot.config;
  const { peer, remote } = connection;
  return [
    workload.spiffeIdHeader,
    caller.spiffeId,
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
