import type { Algorithms } from '../../certs/approved.ts';
import { isHandshakeRefusal } from '../../certs/handshake-refusal.ts';
import { judgePeer } from '../../certs/peer.ts';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../certs/trust-bundle.ts';
import { verifiedChain } from '../fips/approved.ts';
import type { ServerJudge } from './download.ts';

export type ExpectedServer = {
  readonly trustDomain: TrustDomain;
  readonly spiffeId: SpiffeId;
  readonly rootsPem: readonly string[];
  readonly algorithms: Algorithms;
  readonly nowMs: () => number;
};

/** The profile `https_spiffe`: the server is who its SVID says, judged as that of a peer is, whatever its host name. */
export function spiffeServer({ trustDomain, spiffeId, rootsPem, algorithms, nowMs }: ExpectedServer): ServerJudge {
  const trust = readTrustBundle([{ trustDomain, rootsPem, crlsPem: [] }], undefined, [], algorithms);
  return (leaf) => {
    const chain = verifiedChain(leaf).map(({ der }) => der);
    // OpenSSL has verified the chain by now, with the same roots.
    const peer = judgePeer(chain, null, trust, nowMs());
    if (isHandshakeRefusal(peer)) return `the server has no SVID of ${trustDomain}: ${peer.detail}`;
    return peer.spiffeId === spiffeId ? undefined : `the server is ${peer.spiffeId}, not ${spiffeId}`;
  };
}
