import { createCipheriv, createHash, getFips, scryptSync } from 'node:crypto';
import { ProxyError } from '../errors.ts';

/** Whose code does the cryptography, in one sentence for operators and assessors. */
export type CryptographicModule = { readonly validated: 'no' | 'see-certificate'; readonly statement: string };

/** What a FIPS provider refuses, and any other OpenSSL does. */
const mustFail: Readonly<Record<string, () => unknown>> = {
  MD5: () => createHash('md5').update('').digest(),
  scrypt: () => scryptSync('password', 'salt', 16),
  ChaCha20: () => createCipheriv('chacha20-poly1305', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 }),
};

/**
 * Believes `crypto.getFips()` only when OpenSSL behaves accordingly: it is 1 as well after somebody has called `setFips(true)`
 * without a provider. Throws ProxyError `fips-not-in-force` when the two contradict each other.
 */
export function cryptographicModule(active = getFips() === 1): CryptographicModule {
  const { node, openssl } = process.versions;
  if (!active) {
    const statement =
      `the cryptographic module is NOT validated: OpenSSL ${openssl} of Node ${node} runs without a FIPS provider ` +
      '(crypto.getFips() is 0); its algorithms are restricted to the approved list all the same';
    return { validated: 'no', statement };
  }
  if (fails(() => createHash('sha256').update('').digest())) {
    throw new ProxyError('fips-not-in-force', 'crypto.getFips() is 1, but there is no provider that computes SHA-256');
  }
  const found = Object.entries(mustFail).filter(([, attempt]) => !fails(attempt));
  if (found.length > 0) {
    const names = found.map(([name]) => name).join(', ');
    throw new ProxyError('fips-not-in-force', `crypto.getFips() is 1, but OpenSSL still computes ${names}`);
  }
  const statement =
    `OpenSSL ${openssl} of Node ${node} runs with a FIPS provider (crypto.getFips() is 1; ${Object.keys(mustFail).join(', ')} are ` +
    'refused); whether that provider is validated says its CMVP certificate: Node names neither it nor its version';
  return { validated: 'see-certificate', statement };
}

function fails(attempt: () => unknown): boolean {
  try {
    attempt();
    return false;
  } catch {
    return true;
  }
}
