import type { AltName, Certificate } from './certificate.ts';
import { type Der, oidText, readDer, tags } from './der.ts';

/** What is in `value` is read by the function of its kind. All of them throw Error. */
export type ReadExtension = { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array };

/** RFC 5280 section 4.1: `SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }`. */
export function readExtension({ tag, children: [oid, ...rest] }: Der): ReadExtension {
  const value = rest.at(-1);
  const [critical, ...more] = rest.slice(0, -1);
  const flagged = critical === undefined || critical.tag === tags.boolean;
  if (tag !== tags.sequence || oid === undefined || value?.tag !== tags.octetString || !flagged || more.length > 0) {
    throw new Error('an extension that is none');
  }
  return { oid: oidText(oid), critical: isTrue(critical), value: value.content };
}

const isTrue = (element: Der | undefined): boolean => element?.content[0] === 0xff;

function readSequence(der: Uint8Array): readonly Der[] {
  const { tag, children } = readDer(der);
  if (tag !== tags.sequence) throw new Error('an extension that is no SEQUENCE');
  return children;
}

/** RFC 5280 section 4.2.1.9: `SEQUENCE { cA DEFAULT FALSE, pathLenConstraint OPTIONAL }`. */
export function readBasicConstraints(der: Uint8Array): NonNullable<Certificate['basicConstraints']> {
  const { tag, children } = readDer(der);
  const [ca, length, ...more] = children[0]?.tag === tags.boolean ? children : [undefined, ...children];
  const numbered = length === undefined || length.tag === tags.integer;
  if (tag !== tags.sequence || !numbered || more.length > 0) throw new Error('basic constraints that are none');
  return { ca: isTrue(ca), pathLength: length && readSmallNumber(length) };
}

function readSmallNumber({ content }: Der): number {
  if (content.length > 6) throw new Error('a path length that is no number of certificates');
  return content.readIntBE(0, content.length);
}

/** RFC 5280 section 4.2.1.3: the first bit of the BIT STRING is that of digitalSignature. */
export function readKeyUsage(der: Uint8Array): number {
  const { tag, content } = readDer(der);
  const [unused = 8, ...bytes] = content;
  const padding = (bytes.at(-1) ?? 0) & ((1 << unused) - 1);
  if (tag !== tags.bitString || unused > 7 || bytes.length > 2 || padding !== 0) {
    throw new Error('a key usage that is none');
  }
  return bytes.reduce((bits, byte, index) => bits | (reversed(byte) << (8 * index)), 0);
}

function reversed(byte: number): number {
  return Number.parseInt(byte.toString(2).padStart(8, '0').split('').toReversed().join(''), 2);
}

/** RFC 5280 section 4.2.1.12, as OIDs. */
export function readExtendedKeyUsage(der: Uint8Array): readonly string[] {
  return readSequence(der).map(oidText);
}

const otherName = 0xa0;
/** RFC 5280 section 4.2.1.6: the tags of GeneralName. */
const altNameTypes: ReadonlyMap<number, AltName['type']> = new Map([
  [otherName, 'other'],
  [0x81, 'email'],
  [0x82, 'dns'],
  [0xa4, 'other'],
  [0x86, 'uri'],
  [0x87, 'ip'],
  [0x88, 'other'],
]);

export function readSubjectAltNames(der: Uint8Array): readonly AltName[] {
  return readSequence(der).map(readAltName);
}

function readAltName(name: Der): AltName {
  const type = altNameTypes.get(name.tag);
  if (type === undefined) throw new Error('a name of a kind that is not known');
  if (name.tag === otherName) checkOtherName(name);
  if (type === 'ip') return { type, value: addressText(name.content) };
  return { type, value: innermost(name).content.toString('latin1') };
}

/** `[0] { type-id, [0] value }`. */
function checkOtherName({ children: [type, value, ...more] }: Der): void {
  if (type?.tag !== tags.oid || value?.tag !== 0xa0 || value.children.length !== 1 || more.length > 0) {
    throw new Error('an otherName that is none');
  }
}

/** Of a name with a structure, the value at its end, so that an identity is found wherever it hides. */
function innermost(element: Der): Der {
  const last = element.children.at(-1);
  return last === undefined ? element : innermost(last);
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
}
