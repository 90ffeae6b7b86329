import { oids } from '../../../certs/certificate.ts';
import * as der from '../der.ts';
import {
  basicConstraints,
  type Changes,
  extension,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
  uri,
} from '../raw-certificate.ts';
import { badIssuer, badLeaf, type ClientChain, unreadable, type Verdict, type World } from './chain.ts';

const unknown = '1.3.6.1.4.1.99999.1';
const derNull = der.hex('0500');

const extra = (rule: string, verdict: Verdict, element: Buffer | ((world: World) => Buffer), clause = 'RFC 5280 4.2') =>
  badLeaf({ rule, clause, verdict }, (world) => ({
    extensions: { extra: typeof element === 'function' ? element(world) : element },
  }));

const extraInIssuer = (rule: string, verdict: Verdict, element: Buffer) =>
  badIssuer({ rule, clause: 'RFC 5280 4.2', verdict }, { extensions: { extra: element } });

/** Extensions that are unknown, repeated, or malformed. */
export const extensionChains: readonly ClientChain[] = [
  extra('an unknown critical extension', 'not-an-svid', extension(unknown, derNull, true)),
  extra(
    'critical certificate policies',
    'not-an-svid',
    extension('2.5.29.32', der.sequence(der.sequence(der.oid(unknown))), true),
  ),
  extra(
    'critical policy constraints',
    'not-an-svid',
    extension('2.5.29.36', der.sequence(der.tlv(0x80, der.hex('00'))), true),
  ),
  extra(
    'a critical TLS feature',
    'not-an-svid',
    extension('1.3.6.1.5.5.7.1.24', der.sequence(der.integer('05')), true),
  ),
  extra('a critical CT poison, RFC 6962 3.1', 'not-an-svid', extension('1.3.6.1.4.1.11129.2.4.3', derNull, true)),
  badLeaf(
    { rule: 'a critical subject key identifier', clause: 'RFC 5280 4.2.1.2', verdict: 'not-an-svid' },
    {
      extensions: { subjectKeyIdentifier: subjectKeyIdentifier(Buffer.alloc(20, 1), true) },
    },
  ),
  extraInIssuer('an issuer with an unknown critical extension', 'not-an-svid', extension(unknown, derNull, true)),
  extraInIssuer(
    'an issuer with critical policy constraints',
    'not-an-svid',
    extension('2.5.29.36', der.sequence(der.tlv(0x80, der.hex('00'))), true),
  ),
  extraInIssuer(
    'an issuer with a critical inhibitAnyPolicy',
    'not-an-svid',
    extension('2.5.29.54', der.integer('00'), true),
  ),
  extra('the SAN twice', 'malformed-certificate', ({ trustDomain }) =>
    subjectAltName([uri(`spiffe://${trustDomain}/admin`)]),
  ),
  extra('the same SAN twice', 'malformed-certificate', ({ id }) => subjectAltName([uri(id)])),
  extra('basic constraints twice', 'malformed-certificate', basicConstraints(true)),
  extra('key usage twice', 'malformed-certificate', keyUsage(1)),
  extra(
    'extended key usage twice',
    'malformed-certificate',
    extension(oids.extendedKeyUsage, der.sequence(der.oid(oids.clientAuth))),
  ),
  badLeaf(
    { rule: 'an unknown extension twice', clause: 'RFC 5280 4.2', verdict: 'malformed-certificate' },
    {
      extensions: { one: extension(unknown, derNull), two: extension(unknown, derNull) },
    },
  ),
  extraInIssuer('an issuer with basic constraints twice', 'untrusted', basicConstraints(true, 5)),
  unreadable(
    extra(
      'an extension that is no octet string',
      'malformed-certificate',
      der.sequence(der.oid(unknown), der.utf8('x')),
    ),
  ),
  extra(
    'an extension with critical as a byte 01',
    'malformed-certificate',
    der.sequence(der.oid(unknown), der.hex('010101'), der.octetString(derNull)),
    'X.690 11.1',
  ),
  badLeaf(
    { rule: 'extensions in version 1', clause: 'RFC 5280 4.1.2.9', verdict: 'malformed-certificate' },
    { version: der.hex('') },
  ),
  badLeaf(
    { rule: 'extensions in version 2', clause: 'RFC 5280 4.1.2.9', verdict: 'malformed-certificate' },
    {
      version: der.explicit(0, der.integer('01')),
    },
  ),
  badLeaf(
    { rule: 'version 4', clause: 'RFC 5280 4.1.2.1', verdict: 'malformed-certificate' },
    {
      version: der.explicit(0, der.integer('03')),
    },
  ),
  badLeaf(
    { rule: 'version 1 without extensions', clause: 'X509-SVID 2', verdict: 'wrong-usage' },
    { version: der.hex(''), bare: true },
  ),
  badLeaf({ rule: 'no extensions', clause: 'X509-SVID 2', verdict: 'wrong-usage' }, { bare: true }),
  badIssuer(
    { rule: 'an issuer of version 1', clause: 'RFC 5280 6.1.4 (k)', verdict: 'untrusted' },
    { version: der.hex(''), bare: true },
  ),
  extra('an unknown extension that is not critical', 'served', extension(unknown, derNull)),
  extra(
    'a distribution point, which nobody asks',
    'served',
    extension(
      '2.5.29.31',
      der.sequence(der.sequence(der.explicit(0, der.explicit(0, der.tagged(6, 'http://127.0.0.1:9/'))))),
    ),
    'RFC 5280 4.2.1.13',
  ),
  extra(
    'certificate policies that are not critical',
    'served',
    extension('2.5.29.32', der.sequence(der.sequence(der.oid(unknown)))),
  ),
];

const malformed = (rule: string, clause: string, changes: Changes, overTls?: Verdict) =>
  badLeaf({ rule, clause, verdict: 'malformed-certificate', ...(overTls === undefined ? {} : { overTls }) }, changes);

const serial = (rule: string, value: string, verdict: Verdict) =>
  badLeaf({ rule, clause: 'RFC 5280 4.1.2.2', verdict }, { serial: der.integer(value) });

/** Serial numbers, and bytes that are not DER. */
export const encodingChains: readonly ClientChain[] = [
  serial('serial 0', '00', 'malformed-certificate'),
  serial('a negative serial', 'ff', 'malformed-certificate'),
  serial('a serial of 21 bytes', `01${'23'.repeat(20)}`, 'malformed-certificate'),
  serial('a serial of 100 bytes', `01${'23'.repeat(99)}`, 'malformed-certificate'),
  unreadable(serial('a serial with a zero too many', '0001', 'malformed-certificate')),
  unreadable(serial('an empty serial', '', 'malformed-certificate')),
  serial('a serial of 20 bytes', `7f${'23'.repeat(19)}`, 'served'),
  serial('a serial of one byte', '01', 'served'),
  badIssuer(
    { rule: 'an issuer with serial 0', clause: 'RFC 5280 4.1.2.2', verdict: 'malformed-certificate' },
    { serial: der.integer('00') },
  ),
  malformed(
    'a byte behind the certificate',
    'RFC 5280 4.1',
    { after: (whole) => Buffer.concat([whole, Buffer.alloc(1)]) },
    'protocol',
  ),
  malformed(
    'a second certificate behind the certificate',
    'RFC 5280 4.1',
    { after: (whole) => Buffer.concat([whole, whole]) },
    'protocol',
  ),
  malformed('the last byte missing', 'RFC 5280 4.1', { after: (whole) => whole.subarray(0, -1) }, 'protocol'),
  malformed('nothing', 'RFC 5280 4.1', { after: () => Buffer.alloc(0) }, 'protocol'),
  malformed('not ASN.1', 'RFC 5280 4.1', { after: () => Buffer.from('GET / HTTP/1.1') }, 'protocol'),
  malformed(
    'PEM instead of DER',
    'RFC 5280 4.1',
    {
      after: (whole) =>
        Buffer.from(`-----BEGIN CERTIFICATE-----\n${whole.toString('base64')}\n-----END CERTIFICATE-----\n`),
    },
    'protocol',
  ),
  malformed('a fourth element', 'RFC 5280 4.1', { after: (whole) => reopened(whole, derNull) }, 'protocol'),
  malformed(
    'an element behind the extensions',
    'RFC 5280 4.1',
    { before: (tbs) => reopened(tbs, derNull) },
    'protocol',
  ),
  malformed(
    'a length longer than needed around the whole',
    'X.690 10.1',
    { after: (whole) => der.longLength(whole) },
    'served',
  ),
  malformed(
    'the indefinite form around the whole',
    'X.690 10.1',
    { after: (whole) => der.indefiniteLength(whole) },
    'served',
  ),
  malformed('a length longer than needed inside the signed part', 'X.690 10.1', {
    subject: der.longLength(der.name('workload')),
  }),
  malformed('the indefinite form inside the signed part', 'X.690 10.1', {
    subject: der.indefiniteLength(der.name('workload')),
  }),
  malformed('a length longer than needed around the signed part', 'X.690 10.1', {
    before: (tbs) => der.longLength(tbs),
  }),
  badLeaf(
    { rule: 'a length longer than needed inside the SAN', clause: 'X.690 10.1', verdict: 'malformed-certificate' },
    ({ id }) => ({
      extensions: { subjectAltName: extension(oids.subjectAltName, der.longLength(der.sequence(uri(id)))) },
    }),
  ),
  badLeaf({ rule: 'a URI in pieces', clause: 'X.690 10.2', verdict: 'malformed-certificate' }, ({ id }) => ({
    extensions: {
      subjectAltName: extension(
        oids.subjectAltName,
        der.sequence(
          der.tlv(0xa6, der.tlv(0x04, Buffer.from(id.slice(0, 9))), der.tlv(0x04, Buffer.from(id.slice(9)))),
        ),
      ),
    },
  })),
  badLeaf(
    { rule: 'a SAN that is cut off', clause: 'RFC 5280 4.2.1.6', verdict: 'malformed-certificate' },
    ({ id }) => ({
      extensions: { subjectAltName: extension(oids.subjectAltName, der.sequence(uri(id)).subarray(0, -1)) },
    }),
  ),
  badLeaf(
    { rule: 'a signature with unused bits', clause: 'RFC 5280 4.1.1.3', verdict: 'untrusted' },
    { after: withUnusedBits },
  ),
  malformed('a hundred sequences in the name', 'RFC 5280 4.1', { subject: nested(100) }, 'protocol'),
];

/** The sequence with one element more. */
function reopened(whole: Buffer, more: Buffer): Buffer {
  const header = (whole[1] ?? 0) < 0x80 ? 2 : 2 + ((whole[1] ?? 0) & 0x7f);
  return der.sequence(whole.subarray(header), more);
}

function nested(depth: number): Buffer {
  return depth === 0 ? der.sequence() : der.sequence(nested(depth - 1));
}

/** An ECDSA signature of P-256 is the last 70 to 72 bytes; the byte before says how many bits do not count. */
function withUnusedBits(whole: Buffer): Buffer {
  const changed = Buffer.from(whole);
  for (let at = changed.length - 75; at < changed.length - 70; at++) {
    if (changed[at] === 0x03 && changed[at + 2] === 0 && changed[at + 3] === 0x30) changed[at + 2] = 1;
  }
  return changed;
}
