import { type Ended, type PeerSvid, stillValid } from '../../certs/peer.ts';
import type { Filter } from '../chain.ts';
import type { Caller } from '../caller/caller.ts';
import { type CallerOutcome, findCaller } from '../caller/find-caller.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';

/** The other end of the connection; and who asks, which is the same unless it is a load balancer. */
export type Identified = { readonly peer: PeerSvid; readonly caller: Caller };

const codes = { expired: 'identity-expired', revoked: 'identity-revoked', untrusted: 'identity-expired' } as const;

/** Why a connection whose identity has ended serves nothing any more. */
export function identityDenial({ reason, detail }: Ended): Denial {
  return deny(codes[reason], { detail });
}

/**
 * The handshake has verified the peer; here its validity is compared again on every request, because a connection
 * outlives neither its SVID nor the trust in it (peers keep serving: THREATS 1.7).
 */
export const identity = (
  ownNotAfterMs: () => number,
  countCaller: (outcome: CallerOutcome) => void,
): Filter<Accepted, Identified> => ({
  name: 'identity',
  add: (facts, { peer, caller }) => {
    facts.peer = peer;
    facts.caller = caller;
  },
  apply: ({ connection, headers, receivedMs, snapshot }) => {
    if (receivedMs > ownNotAfterMs()) return ownIdentityDenial();
    const ended = stillValid(connection.peer, snapshot.trust, receivedMs);
    if (ended !== undefined) return identityDenial(ended);
    const { peer } = connection;
    if (snapshot.callerTokens === undefined) return { peer, caller: peer };
    const found = findCaller({ connection, headers, receivedMs, snapshot }, snapshot.callerTokens, countCaller);
    const identified = (caller: Caller | Denial) => (isDenial(caller) ? caller : { peer, caller });
    return found instanceof Promise ? found.then(identified) : identified(found);
  },
});

/** Nobody can know any more that it is us whom they talk to: what was opened under the SVID ends with it. */
export function ownIdentityDenial(): Denial {
  return deny('own-identity-expired', { detail: 'our own SVID has expired' });
}
