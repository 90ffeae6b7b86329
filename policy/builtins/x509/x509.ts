import { type KeyObject, X509Certificate } from 'node:crypto';
import { keysOf, member } from '../../value/object.ts';
import { sortedMembers } from '../../value/order.ts';
import { isArray, isSet, type ObjectValue, type Value } from '../../value/value.ts';
import { bytesOfBase64 } from '../encoding/base64.ts';
import { attempt, type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { object, text } from '../operands.ts';
import { withoutEnds } from '../strings/ends.ts';
import { type PemBlock, pemBlocks } from '../crypto/pem.ts';
import { type Certificate, readCertificates } from './certificate.ts';
import { certificateValue, extendedValue } from './certificate-value.ts';
import { verifiedChain, type VerifyOptions } from './chain.ts';
import { serverUsage, usageNamed } from './key-usage.ts';
import { jwkValue, privateKeyOf, privateKeyValue } from './private-key.ts';
import { requestValue } from './request.ts';

const parseCertificates: Builtin = (context, certificates) =>
  certificatesIn(context, text(certificates, 1)).map(extendedValue);

/** The first certificate is trusted, the last one is asked about. */
const verifyCertificates: Builtin = (context, certificates) => {
  const given = certificatesOrNone(context, text(certificates, 1));
  const chain = verifiedChain(context, given, { timeMs: timeOf(context), serverName: '', usages: [serverUsage] });
  return chain === undefined ? unverified : [true, chain.map(extendedValue)];
};

const verifyWithOptions: Builtin = (context, certificates, options) => {
  const given = certificatesOrNone(context, text(certificates, 1));
  const wanted = object(options, 2);
  if (given.length === 0) return unverified;
  const chain = verifiedChain(context, given, readOptions(context, wanted));
  return chain === undefined ? unverified : [true, chain.map(certificateValue)];
};

const unverified: Value = [false, []];

/** The request's time; a chain that cannot be judged at a time is not judged. */
function timeOf({ unixMs }: BuiltinContext): number {
  if (unixMs === undefined) throw new BuiltinError('no time to judge the certificates by');
  return unixMs;
}

/** What is no list of certificates verifies as little as one that does not fit. */
const certificatesOrNone = (context: BuiltinContext, certificates: string): readonly Certificate[] =>
  attempt(() => certificatesIn(context, certificates)) ?? [];

/** In PEM, in PEM in base64, or in DER in base64. */
function certificatesIn(context: BuiltinContext, given: string): readonly Certificate[] {
  const bytes = given.startsWith('-----BEGIN') ? undefined : bytesOfBase64(given);
  if (bytes !== undefined && !bytes.subarray(0, 10).equals(pemStart)) return readCertificates(context, bytes);
  const blocks = [...pemBlocks(bytes?.toString('latin1') ?? given)];
  const other = blocks.find(({ label }) => label !== 'CERTIFICATE');
  if (other !== undefined) throw new BuiltinError(`PEM block type is '${other.label}', expected CERTIFICATE`);
  return readCertificates(context, Buffer.concat(blocks.map((block) => block.bytes)));
}

const pemStart = Buffer.from('-----BEGIN');

const optionNames = new Set(['DNSName', 'CurrentTime', 'MaxConstraintComparisons', 'KeyUsages']);

function readOptions(context: BuiltinContext, options: ObjectValue): VerifyOptions {
  for (const key of keysOf(options)) {
    if (typeof key === 'string' && !optionNames.has(key)) throw new BuiltinError('invalid key option');
  }
  const serverName = member(options, 'DNSName');
  if (serverName !== undefined && typeof serverName !== 'string')
    throw new BuiltinError("'DNSName' should be a string");
  const most = member(options, 'MaxConstraintComparisons');
  if (most !== undefined && typeof most !== 'number')
    throw new BuiltinError("'MaxConstraintComparisons' should be a number");
  return {
    serverName: unquoted(serverName ?? ''),
    timeMs: currentTimeOf(context, member(options, 'CurrentTime')),
    usages: usagesOf(member(options, 'KeyUsages')),
  };
}

const unquoted = (text: string): string => withoutEnds(text, (char) => char === '"', { left: true, right: true });

function currentTimeOf(context: BuiltinContext, timeNs: Value | undefined): number {
  if (timeNs === undefined) return timeOf(context);
  const isInteger = typeof timeNs === 'bigint' || (typeof timeNs === 'number' && Number.isInteger(timeNs));
  if (!isInteger || BigInt.asIntN(64, BigInt(timeNs)) !== BigInt(timeNs)) {
    throw new BuiltinError("'CurrentTime' should be a valid int64 number");
  }
  return Number(timeNs) / 1e6;
}

function usagesOf(usages: Value | undefined): readonly string[] {
  if (usages === undefined) return [serverUsage];
  if (!isArray(usages) && !isSet(usages)) throw new BuiltinError("'KeyUsages' should be an Array or Set");
  const names = (isSet(usages) ? sortedMembers(usages) : usages).filter((name) => typeof name === 'string');
  const oids = names.map((name) => {
    const oid = usageNamed(unquoted(name));
    if (oid === undefined) throw new BuiltinError(`invalid entries for 'KeyUsages' found: ${name}`);
    return oid;
  });
  return oids.length === 0 ? [serverUsage] : oids;
}

const parseRequest: Builtin = (context, request) => {
  const given = text(request, 1);
  const decoded = given.startsWith('-----BEGIN CERTIFICATE REQUEST-----') ? given : bytesOfBase64(given);
  const [block] = pemBlocks(typeof decoded === 'string' ? decoded : decoded.toString('latin1'));
  if (block !== undefined && block.label !== 'CERTIFICATE REQUEST') {
    throw new BuiltinError('invalid PEM-encoded certificate signing request');
  }
  return requestValue(context, block?.bytes ?? Buffer.from(decoded));
};

/** The keys in PEM, or in PEM in base64; in any other text there are none. */
function privateKeysIn(context: BuiltinContext, given: string): readonly KeyObject[] {
  const pem = given.includes('-----BEGIN') ? given : (attempt(() => bytesOfBase64(given).toString('latin1')) ?? given);
  return [...pemBlocks(pem)].flatMap((block) => privateKeyOf(context, block) ?? []);
}

const parsePrivateKeys: Builtin = (context, keys) => {
  const given = text(keys, 1);
  return given === '' ? null : privateKeysIn(context, given).map(privateKeyValue);
};

const parseRsaPrivateKey: Builtin = (context, key) => {
  const given = text(key, 1);
  if (given === '') throw new BuiltinError('input PEM data was empty');
  const pem = given.startsWith('-----BEGIN') ? given : bytesOfBase64(given).toString('latin1');
  const [first] = privateKeysIn(context, pem);
  return first === undefined ? null : jwkValue(first);
};

/** As Go's tls.X509KeyPair: the first private key must be that of the first certificate. */
const parseKeyPair: Builtin = (context, certificate, key) => {
  const blocks = blocksOf(text(certificate, 1), 'CERTIFICATE').filter(({ label }) => label === 'CERTIFICATE');
  const [leaf] = readCertificates(context, blocks[0]?.bytes ?? Buffer.alloc(0));
  const privateKey = blocksOf(text(key, 2), 'PRIVATE KEY').flatMap((block) => privateKeyOf(context, block) ?? [])[0];
  if (leaf === undefined || privateKey === undefined) throw new BuiltinError('failed to find a certificate or a key');
  if (!new X509Certificate(leaf.raw).checkPrivateKey(privateKey)) {
    throw new BuiltinError('private key does not match public key');
  }
  return {
    Certificate: blocks.map(({ bytes }) => bytes.toString('base64')),
    PrivateKey: privateKeyValue(privateKey),
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: certificateValue(leaf),
  };
};

/** PEM, PEM in base64, or DER in base64, which is what the label says. */
function blocksOf(given: string, label: string): readonly PemBlock[] {
  if (given.startsWith('-----BEGIN ')) return [...pemBlocks(given)];
  const bytes = bytesOfBase64(given);
  if (bytes.subarray(0, 10).equals(pemStart)) return [...pemBlocks(bytes.toString('latin1'))];
  return [{ label, bytes, end: 0 }];
}

export const x509Builtins: Builtins = {
  'crypto.parse_private_keys': parsePrivateKeys,
  'crypto.x509.parse_and_verify_certificates': verifyCertificates,
  'crypto.x509.parse_and_verify_certificates_with_options': verifyWithOptions,
  'crypto.x509.parse_certificate_request': parseRequest,
  'crypto.x509.parse_certificates': parseCertificates,
  'crypto.x509.parse_keypair': parseKeyPair,
  'crypto.x509.parse_rsa_private_key': parseRsaPrivateKey,
};
