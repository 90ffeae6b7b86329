import { keyUsageBits, oids } from '../../../certs/certificate.ts';
import { basicConstraints, extendedKeyUsage, extension, keyUsage } from '../raw-certificate.ts';
import * as der from '../der.ts';
import { badIssuer, badLeaf, type ClientChain, type Verdict } from './chain.ts';

const { digitalSignature, keyCertSign, crlSign, keyAgreement, keyEncipherment, nonRepudiation } = keyUsageBits;

const usage = (rule: string, bits: number, verdict: Verdict = 'wrong-usage', critical = true) =>
  badLeaf({ rule, clause: 'X509-SVID 4.3', verdict }, { extensions: { keyUsage: keyUsage(bits, critical) } });

const extended = (rule: string, usages: readonly string[], verdict: Verdict = 'wrong-usage', critical = false) =>
  badLeaf(
    { rule, clause: 'X509-SVID 4.4', verdict },
    {
      extensions: { extendedKeyUsage: extendedKeyUsage(usages, critical) },
    },
  );

const constrained = (rule: string, clause: string, verdict: Verdict, value: Buffer) =>
  badLeaf(
    { rule, clause, verdict },
    { extensions: { basicConstraints: extension(oids.basicConstraints, value, true) } },
  );

const codeSigning = '1.3.6.1.5.5.7.3.3';

const threeParts = der.sequence(der.boolean(true), der.integer('00'), der.integer('00'));
const behindIt = Buffer.concat([der.octetString(Buffer.alloc(20, 1)), Buffer.alloc(1)]);

/** Basic constraints, key usage and extended key usage of the leaf. */
export const usageChains: readonly ClientChain[] = [
  badLeaf(
    { rule: 'a CA as leaf', clause: 'X509-SVID 4.1', verdict: 'not-an-svid' },
    {
      extensions: { basicConstraints: basicConstraints(true) },
    },
  ),
  badLeaf(
    { rule: 'a CA as leaf, with the usages of one', clause: 'X509-SVID 5.2', verdict: 'not-an-svid' },
    {
      extensions: { basicConstraints: basicConstraints(true), keyUsage: keyUsage(keyCertSign | crlSign) },
    },
  ),
  badLeaf(
    { rule: 'a CA as leaf, not critical', clause: 'X509-SVID 4.1', verdict: 'not-an-svid' },
    {
      extensions: { basicConstraints: basicConstraints(true, undefined, false) },
    },
  ),
  badLeaf(
    { rule: 'a path length in a leaf', clause: 'RFC 5280 4.2.1.9', verdict: 'not-an-svid' },
    {
      extensions: { basicConstraints: basicConstraints(false, 0) },
    },
  ),
  constrained('cA as the byte 01', 'X.690 11.1', 'malformed-certificate', der.sequence(der.hex('010101'))),
  constrained('basic constraints that are no sequence', 'RFC 5280 4.2.1.9', 'malformed-certificate', der.hex('0500')),
  badLeaf(
    { rule: 'no basic constraints', clause: 'RFC 5280 4.2.1.9', verdict: 'served' },
    {
      extensions: { basicConstraints: undefined },
    },
  ),
  badLeaf(
    { rule: 'no key usage', clause: 'X509-SVID 4.3', verdict: 'wrong-usage' },
    { extensions: { keyUsage: undefined } },
  ),
  usage('key usage not critical', digitalSignature, 'wrong-usage', false),
  usage('no bit of key usage', 0, 'malformed-certificate'),
  usage('no digitalSignature', keyAgreement),
  usage('keyEncipherment only', keyEncipherment),
  usage('nonRepudiation only', nonRepudiation),
  usage('keyCertSign only', keyCertSign),
  usage('cRLSign only', crlSign),
  usage('keyCertSign in the leaf', digitalSignature | keyCertSign),
  usage('cRLSign in the leaf', digitalSignature | crlSign),
  usage('every key usage', 127),
  badLeaf(
    { rule: 'key usage that is no bit string', clause: 'RFC 5280 4.2.1.3', verdict: 'malformed-certificate' },
    {
      extensions: { keyUsage: extension(oids.keyUsage, der.integer('07'), true) },
    },
  ),
  usage(
    'digitalSignature with keyEncipherment and keyAgreement',
    digitalSignature | keyEncipherment | keyAgreement,
    'served',
  ),
  extended('EKU serverAuth only', [oids.serverAuth]),
  extended('EKU clientAuth only', [oids.clientAuth]),
  extended('EKU any', [oids.anyExtendedKeyUsage]),
  extended('EKU code signing only', [codeSigning]),
  extended('EKU clientAuth only, critical', [oids.clientAuth], 'wrong-usage', true),
  extended('an empty EKU', []),
  badLeaf(
    { rule: 'EKU that is no sequence', clause: 'RFC 5280 4.2.1.12', verdict: 'malformed-certificate' },
    {
      extensions: { extendedKeyUsage: extension(oids.extendedKeyUsage, der.oid(oids.clientAuth)) },
    },
  ),
  badLeaf(
    { rule: 'key usage with bits behind its end', clause: 'X.690 11.2.1', verdict: 'malformed-certificate' },
    { extensions: { keyUsage: extension(oids.keyUsage, der.bitString(Buffer.from([0x81]), 7), true) } },
  ),
  constrained('basic constraints of three parts', 'RFC 5280 4.2.1.9', 'malformed-certificate', threeParts),
  badLeaf(
    { rule: 'a key identifier with bytes behind it', clause: 'RFC 5280 4.2', verdict: 'malformed-certificate' },
    { extensions: { subjectKeyIdentifier: extension(oids.subjectKeyIdentifier, behindIt) } },
  ),
  badLeaf(
    { rule: 'no EKU', clause: 'X509-SVID 4.4', verdict: 'served' },
    { extensions: { extendedKeyUsage: undefined } },
  ),
  extended('EKU of both, critical', [oids.serverAuth, oids.clientAuth], 'served', true),
  extended('EKU of both and another', [oids.clientAuth, codeSigning, oids.serverAuth], 'served'),
];

const signs = keyUsage(keyCertSign | crlSign);

/** What an issuer has to be allowed. */
export const issuerChains: readonly ClientChain[] = [
  badIssuer(
    { rule: 'an issuer that is no CA', clause: 'RFC 5280 6.1.4 (k)', verdict: 'untrusted' },
    {
      extensions: { basicConstraints: basicConstraints(false) },
    },
  ),
  badIssuer(
    { rule: 'an issuer without basic constraints', clause: 'RFC 5280 6.1.4 (k)', verdict: 'untrusted' },
    {
      extensions: { basicConstraints: undefined },
    },
  ),
  badIssuer(
    { rule: 'an issuer whose basic constraints are not critical', clause: 'RFC 5280 4.2.1.9', verdict: 'untrusted' },
    {
      extensions: { basicConstraints: basicConstraints(true, undefined, false) },
    },
  ),
  badIssuer(
    { rule: 'an issuer without keyCertSign', clause: 'RFC 5280 6.1.4 (n)', verdict: 'untrusted' },
    {
      extensions: { keyUsage: keyUsage(digitalSignature) },
    },
  ),
  badIssuer(
    { rule: 'an issuer with cRLSign only', clause: 'RFC 5280 6.1.4 (n)', verdict: 'untrusted' },
    {
      extensions: { keyUsage: keyUsage(crlSign) },
    },
  ),
  badIssuer(
    { rule: 'an issuer without key usage', clause: 'X509-SVID 4.3', verdict: 'untrusted' },
    {
      extensions: { keyUsage: undefined },
    },
  ),
  badIssuer(
    { rule: 'an issuer whose key usage is not critical', clause: 'X509-SVID 4.3', verdict: 'untrusted' },
    {
      extensions: { keyUsage: keyUsage(keyCertSign, false) },
    },
  ),
  badIssuer(
    { rule: 'an issuer with a negative path length', clause: 'RFC 5280 4.2.1.9', verdict: 'untrusted' },
    {
      extensions: {
        basicConstraints: extension(oids.basicConstraints, der.sequence(der.boolean(true), der.integer('ff')), true),
      },
    },
  ),
  badIssuer(
    { rule: 'an issuer for servers only', clause: 'RFC 5280 4.2.1.12', verdict: 'wrong-usage' },
    {
      extensions: { extendedKeyUsage: extendedKeyUsage([oids.serverAuth]) },
    },
  ),
  badIssuer(
    { rule: 'an issuer for code signing', clause: 'RFC 5280 4.2.1.12', verdict: 'wrong-usage' },
    {
      extensions: { extendedKeyUsage: extendedKeyUsage([codeSigning]) },
    },
  ),
  badIssuer(
    { rule: 'an issuer without a name', clause: 'RFC 5280 4.1.2.4', verdict: 'malformed-certificate' },
    { subject: der.name('') },
  ),
  badIssuer(
    { rule: 'an issuer for clients and servers', clause: 'X509-SVID 4.4', verdict: 'served' },
    {
      extensions: { extendedKeyUsage: extendedKeyUsage([oids.clientAuth, oids.serverAuth]) },
    },
  ),
  badIssuer(
    { rule: 'an issuer with keyCertSign only', clause: 'X509-SVID 4.3', verdict: 'served' },
    {
      extensions: { keyUsage: keyUsage(keyCertSign) },
    },
  ),
  badIssuer(
    { rule: 'an issuer with path length 0', clause: 'RFC 5280 6.1.4 (m)', verdict: 'served' },
    {
      extensions: { basicConstraints: basicConstraints(true, 0), keyUsage: signs },
    },
  ),
];
