import { encodeDer, encodeOid, tags } from './der.ts';

/** A kind of signature that revocation lists may have: what a key of which type signs, with which digest. */
export type SignatureKind = {
  readonly keyType: 'ec' | 'rsa' | 'ed25519';
  /** As `node:crypto` names it; Ed25519 has one of its own. */
  readonly digest: 'sha256' | 'sha384' | 'sha512' | undefined;
};

type Row = SignatureKind & { readonly oid: string };

/** RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3. SHA-1 is not among them, nor is PSS. */
const rows: readonly Row[] = [
  { oid: '1.2.840.10045.4.3.2', keyType: 'ec', digest: 'sha256' },
  { oid: '1.2.840.10045.4.3.3', keyType: 'ec', digest: 'sha384' },
  { oid: '1.2.840.10045.4.3.4', keyType: 'ec', digest: 'sha512' },
  { oid: '1.2.840.113549.1.1.11', keyType: 'rsa', digest: 'sha256' },
  { oid: '1.2.840.113549.1.1.12', keyType: 'rsa', digest: 'sha384' },
  { oid: '1.2.840.113549.1.1.13', keyType: 'rsa', digest: 'sha512' },
  { oid: '1.3.101.112', keyType: 'ed25519', digest: undefined },
];

/** The AlgorithmIdentifier: with NULL for parameters for RSA, and without parameters else. */
function encoded({ oid, keyType }: Row): Buffer {
  return encodeDer(tags.sequence, encodeOid(oid), ...(keyType === 'rsa' ? [encodeDer(0x05)] : []));
}

const byEncoding = new Map(rows.map((row) => [encoded(row).toString('hex'), row]));

/** Undefined for what is not accepted. */
export function signatureKind(algorithm: Uint8Array): SignatureKind | undefined {
  const row = byEncoding.get(Buffer.from(algorithm).toString('hex'));
  return row && { keyType: row.keyType, digest: row.digest };
}

export function encodeSignatureKind(kind: SignatureKind): Buffer {
  const row = rows.find(({ keyType, digest }) => keyType === kind.keyType && digest === kind.digest);
  if (row === undefined) throw new TypeError(`no algorithm for ${kind.keyType} with ${kind.digest}`);
  return encoded(row);
}
