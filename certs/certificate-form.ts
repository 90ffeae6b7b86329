import { type Der, type Element, readDer, tags } from './der.ts';

export type CertificateForm = {
  readonly subjectDer: Uint8Array;
  readonly extensions: readonly Der[];
  /** Of the signature. */
  readonly algorithm: Der;
};

/**
 * What RFC 5280 section 4.1 asks of the bytes of a certificate, and what libraries read past: they take BER, times of any
 * form and versions of any number, and each in its own way. Returns the parts that are to be read. Throws Error.
 */
export function checkCertificateForm(der: Uint8Array): CertificateForm {
  const [signed, algorithm] = readDer(der).children;
  if (algorithm === undefined) throw new Error('no signature algorithm');
  const [version, serial, innerAlgorithm, , validity, subject, publicKey, ...more] = signed?.children ?? [];
  const extensions = more.find(({ tag }) => tag === extensionsTag)?.children[0]?.children ?? [];
  // Version 1 has no version element: its first element is the serial number, and it has no extensions.
  if (version?.tag === versionTag) checkVersion(version, extensions.length > 0);
  else if (signed?.children.some(({ tag }) => tag === extensionsTag)) throw new Error('extensions in version 1');
  else return { subjectDer: nameOf(signed?.children[4]), extensions: [], algorithm };
  if (serial?.tag !== tags.integer) throw new Error('no serial number');
  // RFC 5280 section 4.1.1.2; the algorithm outside is not signed.
  if (!sameBytes(innerAlgorithm, algorithm)) throw new Error('two signature algorithms');
  for (const time of validity?.children ?? []) readTime(time);
  checkCurve(publicKey);
  for (const extension of extensions) checkExtension(extension);
  return { subjectDer: nameOf(subject), extensions, algorithm };
}

function nameOf(subject: Der | undefined): Uint8Array {
  if (subject?.tag !== tags.sequence) throw new Error('no name of the subject');
  return subject.raw;
}

const versionTag = 0xa0;
const extensionsTag = 0xa3;

/** RFC 5280 sections 4.1.2.1 and 4.1.2.9. */
function checkVersion({ children: [number] }: Der, extended: boolean): void {
  const version = 1 + (number?.content[0] ?? 0);
  if (version > 3 || (extended && version < 3)) throw new Error(`extensions: ${extended}, in version ${version}`);
}

export function sameBytes(one: Element | undefined, other: Element | undefined): boolean {
  return one !== undefined && other !== undefined && one.raw.equals(other.raw);
}

/** RFC 5280 section 4.1.2.5: to the second, in UTC, and in the older form until 2049. */
export function readTime({ tag, content }: Element): number {
  const text = content.toString('latin1');
  const digits = /^(\d{12}|\d{14})Z$/.exec(text)?.[1] ?? '';
  const short = tag === tags.utcTime && digits.length === 12;
  const long = tag === tags.generalizedTime && digits.length === 14 && digits >= '2050';
  if (!short && !long) throw new Error('a time that is not of the form of RFC 5280');
  const century = Number(digits.slice(0, 2)) >= 50 ? '19' : '20';
  const iso = (short ? century + digits : digits).replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6.000Z');
  const date = new Date(iso);
  // A month of 13 has no date; the 30th of February would be read as some day in March.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) throw new Error('a time that does not exist');
  return date.getTime();
}

const ecPublicKey = '06072a8648ce3d0201';

/** RFC 5480 section 2.1.1: a curve has a name; curves with parameters of their own forged roots (CVE-2020-0601). */
function checkCurve(publicKey: Der | undefined): void {
  const [algorithm, parameters] = publicKey?.children[0]?.children ?? [];
  if (algorithm?.raw.toString('hex') === ecPublicKey && parameters?.tag !== tags.oid) {
    throw new Error('a curve without a name');
  }
}

/** How the OIDs of the extensions of RFC 5280 begin (2.5.29 and 1.3.6.1.5.5.7.1); others hold whatever their owner likes. */
const standardExtension = /^(?:551d|2b060105050701)/;

/** The standard ones are DER inside as well, with nothing behind it (RFC 5280 section 4.2). */
function checkExtension({ children: [oid, ...rest] }: Der): void {
  const name = oid?.content.toString('hex') ?? '';
  const value = rest.at(-1);
  if (!standardExtension.test(name) || value === undefined) return;
  const inside = readDer(value.content);
  insideChecks.get(name)?.(inside);
}

/** Of what is not read any further, by the OID of the extension. */
const insideChecks: ReadonlyMap<string, (inside: Der) => void> = new Map([
  ['551d11', checkAltNames],
  ['551d0e', checkSubjectKeyIdentifier],
  ['551d23', checkAuthorityKeyIdentifier],
]);

/** RFC 5280 section 4.2.1.6. */
function checkAltNames({ children }: Der): void {
  const strange = children.some(({ tag, content }) => tag === 0x87 && content.length !== 4 && content.length !== 16);
  if (strange) throw new Error('an IP address that has neither 4 nor 16 bytes');
}

/** RFC 5280 section 4.2.1.2. */
function checkSubjectKeyIdentifier({ tag }: Der): void {
  if (tag !== tags.octetString) throw new Error('a subject key identifier that is none');
}

/** RFC 5280 section 4.2.1.1: `SEQUENCE { [0] keyIdentifier, [1] authorityCertIssuer, [2] its serial number }`, all optional. */
function checkAuthorityKeyIdentifier({ tag, children }: Der): void {
  const order = children.map((child) => [0x80, 0xa1, 0x82].indexOf(child.tag));
  const inOrder = order.every((place, at) => place > (order[at - 1] ?? -1));
  if (tag !== tags.sequence || !inOrder) throw new Error('an authority key identifier that is none');
}
