import { hash } from 'node:crypto';
import { type Certificate, pemBlocks } from './certificate.ts';
import { readTime, sameBytes } from './certificate-form.ts';
import { type Element, elementsIn, oidText, onlyElement, tags } from './der.ts';
import { CertsError } from './errors.ts';
import { nameKey } from './name.ts';
import { type SignatureKind, signatureKind } from './signature-kind.ts';

/**
 * A certificate revocation list as a plain value that can be sent to other threads: `signedBytes` and `signature` wait for
 * the key of its issuer. What a list of 100,000 certificates takes of memory is 20 bytes for each, and its bytes once.
 */
export type Crl = {
  readonly sha256: string;
  readonly issuerName: string;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Rows of 20 bytes in ascending order; ask `isRevoked`. */
  readonly serials: Uint8Array;
  /** Undefined for an algorithm that is not accepted here: nobody has signed such a list. */
  readonly signedWith: SignatureKind | undefined;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
};

/** RFC 5280 section 5.1.2.6: as in certificates, at most 20 bytes. */
const rowBytes = 20;
export const crlLabel = 'X509 CRL';

/** Every list of a file or a download: one in DER, or any number in PEM, at least one. Throws CertsError. */
export function readCrls(bytes: Uint8Array): readonly Crl[] {
  return bytes[0] === tags.sequence ? [readOnce(bytes)] : readCrlsPem(Buffer.from(bytes).toString('latin1'));
}

/** Every list of a PEM text, in order, and at least one. Throws CertsError `revocation-list-invalid`. */
export function readCrlsPem(pem: string): readonly Crl[] {
  const blocks = pemBlocks(pem, crlLabel) ?? [];
  if (blocks.length === 0) throw invalid(`there is no readable ${crlLabel} in it`);
  return blocks.map(readOnce);
}

/** A list of 100,000 takes most of a second to read, and every reload meets the same ones. */
const lastRead = new Map<string, Crl>();
const maxLastRead = 8;

function readOnce(der: Uint8Array): Crl {
  const sha256 = hash('sha256', der);
  const crl = lastRead.get(sha256) ?? readCrl(der, sha256);
  const [oldest] = lastRead.size < maxLastRead ? [] : lastRead.keys();
  if (oldest !== undefined) lastRead.delete(oldest);
  lastRead.set(sha256, crl);
  return crl;
}

/** RFC 5280 section 5.1, to the letter where it decides who is revoked. */
function readCrl(der: Uint8Array, sha256: string): Crl {
  try {
    const [signed, algorithm, signature, ...more] = elementsIn(inside(onlyElement(der)));
    if (signed === undefined || algorithm === undefined || signature?.tag !== tags.bitString || more.length > 0) {
      throw new Error('not the three parts of a list');
    }
    return {
      sha256,
      ...readSignedPart(inside(signed), algorithm),
      signedWith: signatureKind(algorithm.raw),
      // Copies: who sends a part of a buffer to another thread sends all of it.
      signedBytes: Uint8Array.from(signed.raw),
      signature: wholeBytes(signature),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CertsError('revocation-list-invalid', `not a readable revocation list: ${reason}`, { cause });
  }
}

/** The first byte of a BIT STRING counts unused bits, and a signature has none. */
function wholeBytes({ content }: Element): Uint8Array {
  if (content[0] !== 0) throw new Error('a signature that is not whole bytes');
  return Uint8Array.from(content.subarray(1));
}

function readSignedPart(
  content: Buffer,
  outerAlgorithm: Element,
): Pick<Crl, 'issuerName' | 'thisUpdateMs' | 'nextUpdateMs' | 'serials'> {
  const parts = [...elementsIn(content)];
  const extended = parts[0]?.tag === tags.integer ? parts.shift() : undefined;
  if (extended !== undefined && !extended.content.equals(version2)) throw new Error('neither version 1 nor 2');
  const [algorithm, issuer, thisUpdate, ...optional] = parts;
  // RFC 5280 section 5.1.1.2; the algorithm outside is not signed.
  if (!sameBytes(algorithm, outerAlgorithm)) throw new Error('two signature algorithms');
  if (issuer === undefined || thisUpdate === undefined) throw new Error('no issuer or no thisUpdate');
  const nextUpdate = isTime(optional[0]) ? optional.shift() : undefined;
  // RFC 5280 section 5.1.2.5 makes it mandatory; without it a list could be replayed for ever.
  if (nextUpdate === undefined) throw new Error('it has no nextUpdate');
  const revoked = optional[0]?.tag === tags.sequence ? optional.shift() : undefined;
  const extensions = optional[0]?.tag === extensionsTag ? optional.shift() : undefined;
  if (optional.length > 0) throw new Error('parts that no list has');
  if (extensions !== undefined) refuseCritical(onlyElement(extensions.content));
  return {
    issuerName: nameKey(issuer.raw),
    thisUpdateMs: readTime(thisUpdate),
    nextUpdateMs: readTime(nextUpdate),
    serials: revoked === undefined ? new Uint8Array() : readRevoked(revoked),
  };
}

const version2 = Buffer.from([1]);
const extensionsTag = 0xa0;

function isTime(element: Element | undefined): boolean {
  return element?.tag === tags.utcTime || element?.tag === tags.generalizedTime;
}

function inside(element: Element): Buffer {
  if (element.tag !== tags.sequence) throw new Error('not a SEQUENCE');
  return element.content;
}

/**
 * None of them is understood here: a delta list, or one limited by an issuing distribution point, would be read as if it were
 * complete, and an entry of another issuer as if it were one of this (RFC 5280 sections 5.2 and 5.3).
 */
function refuseCritical(extensions: Element): void {
  for (const extension of elementsIn(inside(extensions))) {
    const [oid, critical] = elementsIn(inside(extension));
    if (critical?.tag === tags.boolean && critical.content[0] === 0xff && oid !== undefined) {
      throw new Error(`it has the critical extension ${oidText(oid)}`);
    }
  }
}

function readRevoked(list: Element): Uint8Array {
  const rows: string[] = [];
  for (const entry of elementsIn(list.content)) {
    const [serial, date, extensions, ...more] = elementsIn(inside(entry));
    if (serial?.tag !== tags.integer || !isTime(date) || more.length > 0) throw new Error('an entry that is none');
    if (extensions !== undefined) refuseCritical(extensions);
    rows.push(rowOf(serial.content));
  }
  return Uint8Array.from(Buffer.from(rows.sort().join(''), 'latin1'));
}

/** A character for each byte: text is compared, sorted and joined without an object for each row. */
function rowOf(serial: Buffer): string {
  const digits = serial.toString('latin1', serial[0] === 0 ? 1 : 0);
  if (digits.length > rowBytes) throw new Error(`a serial number of more than ${rowBytes} bytes`);
  return digits.padStart(rowBytes, '\0');
}

/** Whether the list names the certificate: about 17 comparisons in a list of 100,000. */
export function isRevoked({ serials }: Crl, { serial }: Pick<Certificate, 'serial'>): boolean {
  const wanted = Buffer.from(rowOf(Buffer.from(serial, 'hex').subarray(-rowBytes)), 'latin1');
  let [from, to] = [0, serials.length / rowBytes];
  while (from < to) {
    const middle = (from + to) >>> 1;
    const order = wanted.compare(serials, middle * rowBytes, (middle + 1) * rowBytes);
    if (order === 0) return true;
    if (order < 0) to = middle;
    else from = middle + 1;
  }
  return false;
}

/** In the spelling of certificates: upper-case hexadecimal without leading zero bytes. */
export function revokedSerials({ serials }: Crl): readonly string[] {
  const rows = Buffer.from(serials.buffer, serials.byteOffset, serials.byteLength);
  return Array.from({ length: serials.length / rowBytes }, (_, row) =>
    rows
      .toString('hex', row * rowBytes, (row + 1) * rowBytes)
      .replace(/^(00)+(?=..)/, '')
      .toUpperCase(),
  );
}

function invalid(message: string): CertsError {
  return new CertsError('revocation-list-invalid', message);
}
