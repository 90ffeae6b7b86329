import { hash, type X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { CertsError } from './errors.ts';
import { type HandshakeRefusal, handshakeRefusal } from './handshake-refusal.ts';
import { parseCertificate } from './parse-certificate.ts';

const maxPresentedCertificates = 10;

/** What the peer presented, leaf first, from `socket.getPeerX509Certificate()`. */
export function presentedChain(leaf: X509Certificate | undefined): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  // One more than is allowed, so that `judgePeer` sees that it is too long.
  for (let next = leaf; next !== undefined && chain.length <= maxPresentedCertificates; next = next.issuerCertificate) {
    chain.push(next.raw);
  }
  return chain;
}

/** Certificates as they were presented, proven by nothing yet. */
export type Chain = readonly [leaf: Certificate, ...others: Certificate[]];

export function readChain(chainDer: readonly Uint8Array[]): Chain | HandshakeRefusal {
  const [leafDer, ...othersDer] = chainDer;
  if (leafDer === undefined) return handshakeRefusal('no-certificate', 'the peer presented no certificate');
  if (chainDer.length > maxPresentedCertificates) {
    return handshakeRefusal('malformed-certificate', `more than ${maxPresentedCertificates} certificates presented`);
  }
  try {
    return [parseOnce(leafDer), ...othersDer.map(parseOnce)];
  } catch (error) {
    if (error instanceof CertsError) return handshakeRefusal('malformed-certificate', error.message);
    throw error;
  }
}

const parsed = new Map<string, Certificate>();
const maxParsed = 512;

/**
 * The same peers come back, and with the same few intermediates: reading a certificate takes as long as the rest of the
 * verdict. Only the reading is kept; no trust comes with it.
 */
function parseOnce(der: Uint8Array): Certificate {
  const key = hash('sha256', der);
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const certificate = parseCertificate(der);
  if (parsed.size >= maxParsed) parsed.clear();
  parsed.set(key, certificate);
  return certificate;
}
