import { createHash, KeyObject, sign, type webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { encodeDer, readDer, tags } from './der.ts';
import { sequence } from './encode-der.ts';
import { encodeSignatureKind, type SignatureKind } from './signature-kind.ts';

export type SigningKey = {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
  readonly hash: 'SHA-256' | 'SHA-384';
};

const signInThreadPool = promisify(sign);

/**
 * A certificate or a revocation list: what is signed, its algorithm and its signature (RFC 5280 sections 4.1.1 and 5.1.1). The
 * algorithm stands in what is signed as well.
 */
export async function signDer(signer: SigningKey, toBeSigned: (algorithm: Buffer) => Buffer): Promise<Buffer> {
  const kind = kindOf(signer);
  const algorithm = encodeSignatureKind(kind);
  const signed = toBeSigned(algorithm);
  const signature = await signInThreadPool(kind.digest, signed, KeyObject.from(signer.privateKey));
  return sequence(signed, algorithm, encodeDer(tags.bitString, Buffer.from([0]), signature));
}

function kindOf({ privateKey, hash }: SigningKey): SignatureKind {
  const { asymmetricKeyType } = KeyObject.from(privateKey);
  if (asymmetricKeyType === 'ed25519') return { keyType: 'ed25519', digest: undefined };
  const digest = hash === 'SHA-384' ? 'sha384' : 'sha256';
  return { keyType: asymmetricKeyType === 'rsa' ? 'rsa' : 'ec', digest };
}

/** The SubjectPublicKeyInfo of RFC 5280 section 4.1. */
export function publicKeyDer(publicKey: webcrypto.CryptoKey): Buffer {
  return KeyObject.from(publicKey).export({ format: 'der', type: 'spki' });
}

/** RFC 5280 section 4.2.1.2, method 1. A name for a key, by which nothing is trusted: that it is SHA-1 does no harm. */
export function keyIdentifier(publicKey: webcrypto.CryptoKey): Buffer {
  const [, bits] = readDer(publicKeyDer(publicKey)).children;
  if (bits === undefined) throw new TypeError('a public key without a key');
  return createHash('sha1').update(bits.content.subarray(1)).digest();
}
