import { KeyObject, sign } from 'node:crypto';
import { type Certificate, derToPem, oids } from './certificate.ts';
import { crlLabel } from './crl.ts';
import { encodeDer, encodeOid, tags } from './der.ts';
import { encodeSignatureKind, type SignatureKind } from './signature-kind.ts';
import { authorityKeyIdentifier, type SigningKey } from './x509.ts';

export type CrlRequest = {
  readonly issuer: Certificate;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly revoked: readonly { readonly serial: string; readonly atMs: number }[];
};

/** RFC 5280 section 5.1, of any length. Returns PEM. */
export async function signCrl(request: CrlRequest, signer: SigningKey): Promise<string> {
  const { issuer, thisUpdateMs, nextUpdateMs, revoked } = request;
  const kind = kindOf(signer);
  const algorithm = encodeSignatureKind(kind);
  const entries = revoked.map(({ serial, atMs }) => sequence(integer(Buffer.from(serial, 'hex')), time(atMs)));
  const extensions = sequence(
    await authorityKeyIdentifier(signer.publicKey),
    sequence(encodeOid(oids.crlNumber), encodeDer(tags.octetString, crlNumber(thisUpdateMs))),
  );
  const signed = sequence(
    integer(Buffer.from([1])),
    algorithm,
    issuer.subjectDer,
    time(thisUpdateMs),
    time(nextUpdateMs),
    // RFC 5280 section 5.1.2.6: an empty list is left out.
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    encodeDer(0xa0, extensions),
  );
  const signature = sign(kind.digest, signed, KeyObject.from(signer.privateKey));
  return derToPem(sequence(signed, algorithm, encodeDer(tags.bitString, Buffer.from([0]), signature)), crlLabel);
}

function kindOf({ privateKey, hash }: SigningKey): SignatureKind {
  const { asymmetricKeyType } = KeyObject.from(privateKey);
  if (asymmetricKeyType === 'ed25519') return { keyType: 'ed25519', digest: undefined };
  const digest = hash === 'SHA-384' ? 'sha384' : 'sha256';
  return { keyType: asymmetricKeyType === 'rsa' ? 'rsa' : 'ec', digest };
}

function sequence(...content: readonly Uint8Array[]): Buffer {
  return encodeDer(tags.sequence, ...content);
}

/** Of a number that is not negative: the first bit of its encoding is the sign. */
function integer(bytes: Uint8Array): Buffer {
  return encodeDer(tags.integer, ...((bytes[0] ?? 0) < 0x80 ? [bytes] : [Buffer.from([0]), bytes]));
}

/** RFC 5280 section 4.1.2.5: in the older form until 2049. */
function time(timeMs: number): Buffer {
  const digits = new Date(timeMs).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return digits < '2050'
    ? encodeDer(tags.utcTime, Buffer.from(digits.slice(2)))
    : encodeDer(tags.generalizedTime, Buffer.from(digits));
}

/** RFC 5280 section 5.2.3 wants growing numbers: the time does. */
function crlNumber(thisUpdateMs: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(thisUpdateMs, 0, 6);
  return integer(bytes);
}
