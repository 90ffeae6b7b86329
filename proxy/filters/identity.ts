import { type Ended, type PeerSvid, stillValid } from '../../certs/peer.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny } from '../denial.ts';
import type { Accepted } from '../exchange.ts';

export type Identified = { readonly peer: PeerSvid };

const codes = { expired: 'identity-expired', revoked: 'identity-revoked', untrusted: 'identity-expired' } as const;

/** Why a connection whose identity has ended serves nothing any more. */
export function identityDenial({ reason, detail }: Ended): Denial {
  return deny(codes[reason], { detail });
}

/**
 * The handshake has verified the peer; here its validity is compared again on every request, because a connection
 * outlives neither its SVID nor the trust in it (peers keep serving: THREATS 1.7).
 */
export const identity = (ownNotAfterMs: () => number): Filter<Accepted, Identified> => ({
  name: 'identity',
  add: (facts, { peer }) => void (facts.peer = peer),
  apply: ({ connection, receivedMs, snapshot }) => {
    if (receivedMs > ownNotAfterMs()) return ownIdentityDenial();
    const ended = stillValid(connection.peer, snapshot.trust, receivedMs);
    return ended === undefined ? { peer: connection.peer } : identityDenial(ended);
  },
});

/** Nobody can know any more that it is us whom they talk to: what was opened under the SVID ends with it. */
export function ownIdentityDenial(): Denial {
  return deny('own-identity-expired', { detail: 'our own SVID has expired' });
}
