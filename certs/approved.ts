import type { Certificate } from './certificate.ts';
import type { Broken } from './svid.ts';

/**
 * Which algorithms may prove an identity. `strong` are all that nobody is known to break; `approved` those of them that
 * NIST approves and CONTROLS.md lists (FIPS 186-5, SP 800-52r2): RSA from 2048 bits, ECDSA on P-256 and P-384, SHA-2.
 */
export type Algorithms = 'strong' | 'approved';

const approvedKeys = /^(?:EC P-(?:256|384)|RSA \d+)$/;
const approvedSignatures = /^(?:ECDSA|RSASSA-PKCS1-v1_5|RSA-PSS)-SHA-(?:256|384|512)$/;

export const approvedKeysText = 'RSA from 2048 bits, EC P-256, EC P-384';

/** Of keys and signatures that are strong, so that only what is strong without being approved is left to be found. */
export function unapprovedKey({ keyAlgorithm }: Certificate): string | undefined {
  return approvedKeys.test(keyAlgorithm) ? undefined : `key ${keyAlgorithm} is not approved (\`profile: fips\`)`;
}

/** Nobody relies on the signature of the last one, which is a root. */
export function algorithmsProblem(path: readonly Certificate[], accepted: Algorithms): Broken | undefined {
  if (accepted === 'strong') return undefined;
  for (const [index, certificate] of path.entries()) {
    const { signatureAlgorithm: signature, subject } = certificate;
    const reliedOn = index < path.length - 1;
    const weak =
      reliedOn && !approvedSignatures.test(signature)
        ? `signature algorithm ${signature} is not approved (\`profile: fips\`)`
        : unapprovedKey(certificate);
    if (weak !== undefined) return { reason: 'weak-key', detail: index === 0 ? weak : `issuer ${subject}: ${weak}` };
  }
  return undefined;
}
