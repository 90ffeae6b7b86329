import { type PeerSvid, stillValid } from '../../certs/peer.ts';
import type { Filter } from '../chain.ts';
import { deny } from '../denial.ts';
import type { Accepted } from '../exchange.ts';

export type Identified = { readonly peer: PeerSvid };

const endings = {
  expired: ['identity-expired', 'the SVID expired while the connection was open'],
  revoked: ['identity-revoked', 'the SVID was revoked while the connection was open'],
  untrusted: ['identity-expired', 'the trust bundle no longer has a root for this SVID'],
} as const;

/**
 * The handshake has verified the peer; here its validity is compared again on every request, because a connection
 * outlives neither its SVID nor the trust in it (peers keep serving: THREATS 1.7).
 */
export const identity: Filter<Accepted, Identified> = {
  name: 'identity',
  apply: ({ connection, receivedMs, snapshot }) => {
    const ended = stillValid(connection.peer, snapshot.trust, receivedMs);
    if (ended === undefined) return { peer: connection.peer };
    const [code, detail] = endings[ended];
    return deny(code, { detail });
  },
};
