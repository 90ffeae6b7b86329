import type { Issued } from '../../certs/local-ca/register.ts';
import type { CaDescription, CertificateSummary } from '../../certs/local-ca/local-ca.ts';
import { table } from './render.ts';

const width = 120;

/** What `ca show` prints for people. */
export function descriptionText(ca: CaDescription, certificates: readonly Issued[], nowMs: number): string {
  const head = [
    `trust domain  ${ca.trustDomain}`,
    `keys          ${ca.keyAlgorithm}`,
    ...certificateLines('root', ca.root),
    ...certificateLines('issuing CA', ca.intermediate),
    `CRL           ${ca.crlFile}`,
    '',
  ];
  const rows = certificates.map(({ serial, spiffeId, notAfterMs, revokedAtMs }) => [
    serial,
    stateOf(notAfterMs, revokedAtMs, nowMs),
    iso(notAfterMs),
    spiffeId,
  ]);
  const columns = [{ title: 'serial' }, { title: 'state' }, { title: 'expires' }, { title: 'SPIFFE ID', shrinkTo: 20 }];
  const issued = rows.length === 0 ? 'nothing issued in the last day' : table(rows, columns, width);
  return `${head.join('\n')}\n${issued}\n`;
}

function certificateLines(title: string, certificate: CertificateSummary): string[] {
  return [
    `${title.padEnd(13)} ${certificate.subject}, valid ${iso(certificate.notBeforeMs)} to ${iso(certificate.notAfterMs)}`,
    `              SHA-256 ${certificate.fingerprintSha256}`,
  ];
}

function stateOf(notAfterMs: number, revokedAtMs: number | undefined, nowMs: number): string {
  if (revokedAtMs !== undefined) return 'revoked';
  return nowMs > notAfterMs ? 'expired' : 'good';
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
