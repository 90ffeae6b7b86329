import type { Certificate } from './certificate.ts';

type Reason = { readonly summary: string; readonly remedy: string };

/** Why a handshake is refused: the label of a metric, a field of the audit record. Closed; `detail` of the record names the rule. */
export const handshakeRefusals = {
  'no-certificate': {
    summary: 'The peer presented no certificate.',
    remedy: 'Give the client its SVID and key; a load balancer in front must pass TLS through.',
  },
  'malformed-certificate': {
    summary:
      'A certificate cannot be read, or in two ways: not DER to the letter (X.690), not the form of RFC 5280 section 4.1 (version, serial number of 1 to 20 bytes, ' +
      'times, names, an extension twice, a key usage without a bit), two parsers that differ over a SAN, or more than 10 certificates.',
    remedy: 'Issue it again with a CA that encodes DER; `openssl x509 -text` shows what is in it.',
  },
  expired: {
    summary: 'A certificate of the path is past its notAfter.',
    remedy: 'See why the client’s SVID, or its CA, was not renewed; check both clocks.',
  },
  'not-yet-valid': {
    summary: 'A certificate of the path is before its notBefore.',
    remedy: 'Set the clocks of the issuer and of this machine (NTP).',
  },
  untrusted: {
    summary:
      'No good path leads to a root of the trust bundle: an unknown issuer, a missing intermediate, a wrong signature, an issuer that is not marked as a CA, may not sign ' +
      'or has more CAs below it than its path length, or name constraints, which are not supported.',
    remedy: 'Present every intermediate, and put the root into the bundle.',
  },
  'wrong-trust-domain': {
    summary:
      'The path leads to a root, but of another trust domain than the SPIFFE ID of the leaf or of an issuer names.',
    remedy: 'Have the SVID issued by the CA of its own trust domain.',
  },
  'not-an-svid': {
    summary:
      'A rule of the X509-SVID standard about identity is broken: not exactly one URI SAN, no SPIFFE ID with a path, other SANs that are not plain text, a leaf that is a CA, ' +
      'an issuer whose SPIFFE ID is not that of its trust domain, or a critical extension that is not understood.',
    remedy: 'Issue it as an X509-SVID: one URI SAN `spiffe://TRUST-DOMAIN/PATH`, and no CA rights.',
  },
  'wrong-usage': {
    summary:
      'Key usage of the leaf is missing, not critical, lacks digitalSignature or has keyCertSign or cRLSign; or an extended key usage, of the leaf or an issuer, lacks ' +
      'clientAuth or serverAuth.',
    remedy:
      'Issue it with digitalSignature, critical, and with both clientAuth and serverAuth where there is an extended key usage.',
  },
  'weak-key': {
    summary:
      'A key of the leaf or an issuer is too short, takes too long to be checked for everybody, or is of a kind that is not accepted; or a signature uses SHA-1 or worse.',
    remedy:
      'Use ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits with the exponent 65537, with SHA-2; with `profile: fips` neither P-521 nor Ed25519.',
  },
  revoked: {
    summary: 'A certificate of the path is on the revocation list of its issuer.',
    remedy: 'It was revoked on purpose; issue a new one to who should have one.',
  },
  'revocation-unknown': {
    summary:
      'There is to be a revocation list for an issuer of the path (`crls`, or the local CA’s), but it has not come, is out of date, or is not signed by that issuer.',
    remedy:
      'See that the list is renewed and reaches this proxy; `fetch.failed` records say why one from a URL does not.',
  },
  denylisted: {
    summary: 'The denylist of the configuration names the peer, or a certificate or key of its path.',
    remedy: '`detail` names the line of `denylist`; take it out where it is meant for nobody any more.',
  },
  'unexpected-id': {
    summary:
      'The workload has proved another SPIFFE ID than those of `workload.tls`; only of connections that we open.',
    remedy: 'Name its SPIFFE ID in `workload.tls.spiffe_ids`, or see who answers at `workload.address`.',
  },
  'handshake-timeout': {
    summary:
      'The handshake took longer than `limits.handshake`, or that with the workload longer than `workload.connect_timeout`.',
    remedy: 'Look for a slow client or network; port scans look the same.',
  },
  'own-identity-expired': {
    summary: 'Our own SVID has expired, so the peer could not know whom it talks to.',
    remedy: 'See why the source of the own SVID brings no new one (`identity.*` records).',
  },
  protocol: {
    summary: 'TLS failed before there was a certificate to judge; `detail` has the code of OpenSSL.',
    remedy: 'Speak TLS 1.3 with one of the groups and ciphers offered; plain HTTP to this port looks the same.',
  },
} as const satisfies Record<string, Reason>;

export type HandshakeRefusalReason = keyof typeof handshakeRefusals;

export const handshakeRefusalReasons = Object.keys(handshakeRefusals) as readonly HandshakeRefusalReason[];

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
