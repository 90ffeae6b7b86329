import type { CertificatePeer, PeerFacts } from './input-facts.ts';
import { repeatedTime } from './input-time.ts';
import { oncePer } from './once-per.ts';

/** Who calls, as a policy sees it. */
export type PeerInput = CertificateInput | PresentedInput;

type IdInput = {
  readonly spiffe_id: string;
  readonly trust_domain: string;
  readonly path: string;
  readonly path_segments: readonly string[];
  readonly not_after: string;
};

type CertificateInput = IdInput & {
  readonly proved_by: 'x509-svid';
  readonly serial: string;
  readonly fingerprint_sha256: string;
  readonly issuer: string;
};

type PresentedInput = IdInput & { readonly proved_by: 'jwt-svid'; readonly via: CertificateInput };

/** The same for every request of a connection. */
const certificateInput = oncePer(
  (peer: CertificatePeer): CertificateInput => ({
    ...idInput(peer),
    proved_by: 'x509-svid',
    serial: peer.serial,
    fingerprint_sha256: peer.fingerprintSha256,
    issuer: peer.issuer,
  }),
);

/** What is of a certificate is missing where none proved the caller, so that no rule about it can be met. */
export function peerInput(peer: PeerFacts): PeerInput {
  if (!('via' in peer)) return certificateInput(peer);
  return { ...idInput(peer), proved_by: 'jwt-svid', via: certificateInput(peer.via) };
}

function idInput(peer: PeerFacts): IdInput {
  return {
    spiffe_id: peer.spiffeId,
    trust_domain: peer.trustDomain,
    path: peer.path,
    path_segments: peer.path.split('/').slice(1),
    not_after: repeatedTime(peer.notAfterMs),
  };
}
