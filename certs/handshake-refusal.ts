import type { Certificate } from './certificate.ts';

/** Why a handshake was refused: the label of a metric, a field of the audit record. Closed. */
export const handshakeRefusalReasons = [
  /** The peer presented no certificate. */
  'no-certificate',
  /** A certificate cannot be read, repeats an extension, or two parsers disagree about it. */
  'malformed-certificate',
  /** A certificate of the path is past its notAfter. */
  'expired',
  /** A certificate of the path is before its notBefore. */
  'not-yet-valid',
  /** No valid path leads to a root of the trust bundle. */
  'untrusted',
  /** The path leads to a root, but of another trust domain than the leaf names. */
  'wrong-trust-domain',
  /** The leaf breaks a rule of the X509-SVID standard about its identity. */
  'not-an-svid',
  /** Key usage or extended key usage forbid what the peer uses the certificate for. */
  'wrong-usage',
  /** A key is too short, or a signature uses SHA-1 or worse. */
  'weak-key',
  /** A certificate of the path is on its issuer's revocation list. */
  'revoked',
  /** There is a revocation list for an issuer of the path, but it is out of date or not signed by that issuer. */
  'revocation-unknown',
  /** The denylist of the configuration names the peer, or a certificate or key of its path. */
  'denylisted',
  /** The handshake took too long. */
  'handshake-timeout',
  /** Our own SVID has expired, so the peer could not know whom it talks to. */
  'own-identity-expired',
  /** TLS failed before there was a certificate to judge. */
  'protocol',
] as const;

export type HandshakeRefusalReason = (typeof handshakeRefusalReasons)[number];

export type HandshakeRefusal = {
  readonly refused: HandshakeRefusalReason;
  /** One line of printable ASCII for the log and audit; never sent to the peer. */
  readonly detail: string;
  /** What the leaf claims, unverified; undefined when there is no readable one. */
  readonly claimed: ClaimedCertificate | undefined;
};

export type ClaimedCertificate = {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly fingerprintSha256: string;
};

export function handshakeRefusal(
  refused: HandshakeRefusalReason,
  detail: string,
  leaf?: Certificate,
): HandshakeRefusal {
  const claimed =
    leaf &&
    Object.freeze({
      subject: leaf.subject,
      issuer: leaf.issuer,
      serial: leaf.serial,
      fingerprintSha256: leaf.fingerprintSha256,
    });
  return Object.freeze({ refused, detail: detail.replaceAll(/[^ -~]/g, '?'), claimed });
}

export function isHandshakeRefusal(value: object): value is HandshakeRefusal {
  return 'refused' in value;
}
