import type { PeerSvid } from '../../certs/peer.ts';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';

/** Who asks: the peer itself, or whom a load balancer has taken the request from. */
export type Caller = PeerSvid | PresentedCaller;

/** A workload that has shown its JWT-SVID to the load balancer that is our peer. */
export type PresentedCaller = CallerClaims & { readonly via: PeerSvid };

export type CallerClaims = {
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  /** `jti`. */
  readonly tokenId: string | undefined;
  readonly notAfterMs: number;
};

export function isPresented(caller: Caller): caller is PresentedCaller {
  return 'via' in caller;
}
