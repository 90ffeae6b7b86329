import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Certificate, certificateToPem } from '../../certificate.ts';
import { CertsError } from '../../errors.ts';
import type { TrustDomain } from '../../spiffe-id.ts';
import { type TrustBundleData, trustBundleData } from '../../trust-bundle.ts';
import { parseCertificatesPem } from '../../parse-certificate.ts';
import { rootProblem } from '../own-svid.ts';
import type { FileProblem } from './problem.ts';

type Complain = (code: FileProblem['code'], message: string, line?: number) => FileProblem;

/** The certificates of a file with their lines, at least one, or everything that is wrong with it. */
export type Located = { readonly certificate: Certificate; readonly line: number };

export function parseCertificates(text: string, complain: Complain): readonly Located[] | readonly FileProblem[] {
  const blocks = pemBlocks(text);
  if (blocks.length === 0) return [complain('certificate-malformed', 'there is no certificate in PEM in it')];
  const read = blocks.map(({ label, line, text: pem }): Located | FileProblem => {
    // A key here is a file that was mixed up, and this one may be readable by anyone.
    if (label !== 'CERTIFICATE') {
      return complain('certificate-malformed', `a block ${label}, where only certificates belong`, line);
    }
    return located(() => ({ certificate: onlyCertificate(pem), line }), line, complain);
  });
  const problems = read.filter((one) => 'code' in one);
  return problems.length > 0 ? problems : read.filter((one) => 'certificate' in one);
}

function onlyCertificate(pem: string): Certificate {
  const [certificate] = parseCertificatesPem(pem);
  if (certificate === undefined) throw new CertsError('certificate-malformed', 'a certificate in PEM is damaged');
  return certificate;
}

/** The roots of our own trust domain, each fit to anchor trust, or everything that is wrong with them. */
export function parseBundle(
  text: string,
  trustDomain: TrustDomain,
  complain: Complain,
): TrustBundleData | readonly FileProblem[] {
  const read = parseCertificates(text, complain);
  const certificates = read.filter((one) => 'certificate' in one);
  const [first, ...more] = read.filter((one) => 'code' in one);
  if (first !== undefined) return [first, ...more].map((problem) => ({ ...problem, code: 'trust-bundle-invalid' }));
  const problems = certificates.flatMap(({ certificate, line }) => {
    const problem = rootProblem(certificate, trustDomain);
    return problem === undefined ? [] : [complain(problem.code, problem.message, line)];
  });
  if (problems.length > 0) return problems;
  const rootsPem = certificates.map(({ certificate }) => certificateToPem(certificate)).join('');
  return trustBundleData([{ trustDomain, rootsPem }]);
}

export function isProblems(value: object): value is readonly FileProblem[] {
  return Array.isArray(value) && value.some((one: object) => 'code' in one);
}

export function parseKey(
  text: string,
  complain: Complain,
): { readonly key: KeyObject; readonly line: number } | FileProblem {
  const blocks = pemBlocks(text).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block] = blocks;
  if (block === undefined) return complain('key-unreadable', 'there is no private key in PEM in it');
  if (blocks.length > 1) return complain('key-unreadable', `it holds ${blocks.length} private keys`, blocks[1]?.line);
  const { line } = block;
  // RFC 5958 says it in the label, RFC 1421 in a header of the block.
  if (block.label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(block.text)) {
    return complain('key-encrypted', 'the private key is encrypted', line);
  }
  try {
    return { key: createPrivateKey({ key: block.text, format: 'pem' }), line };
  } catch {
    // No cause: nothing of what a parser says about a key belongs into a log.
    return complain('key-unreadable', 'the private key cannot be read', line);
  }
}

function located<T extends object>(read: () => T, line: number, complain: Complain): T | FileProblem {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertsError) return complain(error.code, error.message, line);
    throw error;
  }
}

type PemBlock = { readonly label: string; readonly line: number; readonly text: string };

/** From each line that begins a block up to the next one: what is cut off inside is found when it is read. */
function pemBlocks(text: string): readonly PemBlock[] {
  const begins = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)];
  return begins.map((begin, index) => ({
    label: begin[1] ?? '',
    line: text.slice(0, begin.index).split('\n').length,
    text: text.slice(begin.index, begins[index + 1]?.index),
  }));
}
