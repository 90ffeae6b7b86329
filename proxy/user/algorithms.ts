/**
 * The signatures that a token of an end user may have (RFC 7518 section 3.1, RFC 8037, RFC 9864). All of them are made
 * with a private key: `none` and the shared secrets of HS* cannot even be written in a configuration (RFC 8725 section 3.1).
 */
export const SIGNATURE_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
] as const;

export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** What a key of this type and curve can sign with; nothing for a kind of key that is not for us (RFC 7517 section 5). */
export function algorithmsOf(kty: unknown, crv: unknown): readonly SignatureAlgorithm[] {
  if (kty === 'RSA') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  if (kty === 'EC' && crv === 'P-256') return ['ES256'];
  if (kty === 'EC' && crv === 'P-384') return ['ES384'];
  if (kty === 'EC' && crv === 'P-521') return ['ES512'];
  return kty === 'OKP' && crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : [];
}
