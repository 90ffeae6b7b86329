import { type Certificate, keyUsageBits } from './certificate.ts';
import { type Crl, readCrls } from './crl.ts';
import { CertsError } from './errors.ts';
import { isSignedBy } from './path.ts';
import { parseCertificatesPem } from './parse-certificate.ts';

/** The CAs whose lists a source is to have, from a PEM text; at least one. Throws CertsError. */
export function readListIssuers(pem: string): readonly Certificate[] {
  const issuers = parseCertificatesPem(pem);
  const mute = issuers.find(({ keyUsage }) => keyUsage !== undefined && (keyUsage.bits & keyUsageBits.crlSign) === 0);
  if (issuers.length === 0) throw invalid('there is no certificate of an issuer');
  if (mute !== undefined) throw invalid(`${mute.subject} may not sign revocation lists (its key usage lacks cRLSign)`);
  return issuers;
}

/**
 * The lists that were read, when each of the issuers has signed one and nobody else any: who could put another list in the place
 * of theirs would bring back all that they have revoked. Throws CertsError `revocation-list-invalid`.
 */
export function readIssuedLists(bytes: Uint8Array, issuers: readonly Certificate[]): readonly Crl[] {
  const crls = readCrls(bytes);
  if (crls.some((crl) => !issuers.some((issuer) => isIssuedBy(crl, issuer)))) {
    throw invalid('a list is not signed by any of its issuers');
  }
  const without = issuers.find((issuer) => !crls.some((crl) => isIssuedBy(crl, issuer)));
  if (without !== undefined) throw invalid(`there is no list signed by ${without.subject}`);
  return crls;
}

/** CAs may share a name, and only the key tells whose list it is. */
export function isIssuedBy(crl: Crl, issuer: Certificate): boolean {
  return crl.issuerName === issuer.subjectName && isSignedBy(crl, issuer);
}

function invalid(message: string): CertsError {
  return new CertsError('revocation-list-invalid', message);
}
