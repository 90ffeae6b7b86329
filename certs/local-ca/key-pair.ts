import { createPrivateKey, createPublicKey, KeyObject, webcrypto } from 'node:crypto';
import { CertsError } from '../errors.ts';
import type { SigningKey } from '../x509.ts';

export type KeyAlgorithm = 'P-256' | 'P-384';

/** SP 800-57: the hash is as strong as the curve. */
const hashes = { 'P-256': 'SHA-256', 'P-384': 'SHA-384' } as const;

export async function generateKeyPair(algorithm: KeyAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await webcrypto.subtle.generateKey(ecdsa(algorithm), true, ['sign', 'verify']);
  return { privateKey, publicKey, hash: hashes[algorithm] };
}

/** PKCS#8 in PEM; with a passphrase PBES2 of RFC 8018 with AES-256-CBC. */
export function keyToPem({ privateKey }: SigningKey, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return KeyObject.from(privateKey)
    .export({ format: 'pem', type: 'pkcs8', ...encryption })
    .toString();
}

/** Throws CertsError that names the file and never its content. */
export function keyFromPem(pem: string, algorithm: KeyAlgorithm, file: string, passphrase?: string): SigningKey {
  const encrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----');
  if (encrypted && passphrase === undefined) throw new CertsError('passphrase-missing', `${file} is encrypted`);
  if (!encrypted && passphrase !== undefined) throw new CertsError('passphrase-unexpected', `${file} is not encrypted`);
  try {
    const key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
    return {
      privateKey: key.toCryptoKey(ecdsa(algorithm), true, ['sign']),
      publicKey: createPublicKey(key).toCryptoKey(ecdsa(algorithm), true, ['verify']),
      hash: hashes[algorithm],
    };
  } catch {
    // No cause: what OpenSSL says about an undecryptable key helps nobody but a guesser.
    if (encrypted) throw new CertsError('passphrase-wrong', `${file} does not open with this passphrase`);
    throw new CertsError('state-incomplete', `${file} does not hold a ${algorithm} private key in PEM`);
  }
}

function ecdsa(namedCurve: KeyAlgorithm) {
  return { name: 'ECDSA', namedCurve };
}
