import { createHash, createPrivateKey } from 'node:crypto';
import forge from 'node-forge';
import { certificateToPem } from './certificate.ts';
import { CertsError } from './errors.ts';
import { parseCertificate, parseCertificatesPem } from './parse-certificate.ts';

/**
 * PKCS#12 for tools that want it, the only file that imports node-forge. It is used for the container alone: it never
 * verifies a signature (CVE-2026-85393), and it cannot represent EC keys, so keys and certificates stay opaque DER.
 */
export type KeyStore = { readonly keyPem: string; readonly chainPem: string };

const { asn1, pki } = forge;
const macIterations = 100_000;
const macBytes = 32;

/** The key encrypted with PBES2 and AES-256-CBC by OpenSSL, the certificates in the clear, all of it under an HMAC. */
export function writePkcs12({ keyPem, chainPem }: KeyStore, password: string): Uint8Array {
  checkPassword(password);
  const encryptedKey = createPrivateKey(keyPem).export({
    format: 'der',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: password,
  });
  const chain = parseCertificatesPem(chainPem);
  // Importers pair the key with its certificate by this attribute.
  const keyId = createHash('sha256')
    .update(chain[0]?.der ?? '')
    .digest('latin1');
  const safe = sequence([
    dataContent(sequence(chain.map(({ der }, index) => certificateBag(der, index === 0 ? [localKeyId(keyId)] : [])))),
    dataContent(sequence([bag(oid('pkcs8ShroudedKeyBag'), fromDer(encryptedKey), [localKeyId(keyId)])])),
  ]);
  const pfx = sequence([integer(3), dataContent(safe), macData(toDer(safe), password)]);
  return Buffer.from(toDer(pfx), 'latin1');
}

/** The one key of the file and its certificates, leaf first. Throws CertsError `pkcs12-invalid`. */
export function readPkcs12(file: Uint8Array, password: string): KeyStore {
  checkPassword(password);
  const { keys, certificates } = open(file, password);
  const [key] = keys;
  if (key === undefined || keys.length > 1) throw invalid(`it holds ${keys.length} private keys instead of one`);
  const leaf = certificates.find(({ openssl }) => openssl.checkPrivateKey(key));
  if (leaf === undefined) throw invalid('none of its certificates belongs to its key');
  const chain = [leaf, ...certificates.filter((certificate) => certificate !== leaf)];
  return {
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chainPem: chain.map(certificateToPem).join(''),
  };
}

function open(file: Uint8Array, password: string) {
  try {
    const pfx = fromDer(file);
    // node-forge opens a file without MAC too, in which anybody could have exchanged the certificates.
    if (!Array.isArray(pfx.value) || pfx.value.length < 3) throw new Error('it has no MAC');
    const bags = forge.pkcs12.pkcs12FromAsn1(pfx, true, password).safeContents.flatMap(({ safeBags }) => safeBags);
    const isKey = ({ type }: forge.pkcs12.Bag) => type === oid('keyBag') || type === oid('pkcs8ShroudedKeyBag');
    return {
      keys: bags.filter(isKey).map((found) => createPrivateKey({ key: keyDer(found), format: 'der', type: 'pkcs8' })),
      certificates: bags.filter(({ type }) => type === oid('certBag')).map((found) => parseCertificate(certDer(found))),
    };
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause));
  }
}

/** RSA keys arrive as objects of node-forge, all others as the ASN.1 they were. */
function keyDer(found: forge.pkcs12.Bag): Buffer {
  const wrapped = found.key ? pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(found.key)) : found.asn1;
  return Buffer.from(toDer(wrapped), 'latin1');
}

function certDer(found: forge.pkcs12.Bag): Buffer {
  return Buffer.from(toDer(found.cert ? pki.certificateToAsn1(found.cert) : found.asn1), 'latin1');
}

/** RFC 7292 and PBES2 encode other characters differently, and implementations disagree about both. */
function checkPassword(password: string): void {
  if (!/^[ -~]+$/.test(password)) throw invalid('the password must be printable ASCII and not empty');
}

function macData(content: string, password: string): forge.asn1.Asn1 {
  const salt = forge.util.createBuffer(forge.random.getBytesSync(16));
  const saltBytes = salt.bytes();
  const macId = 3;
  const digest = forge.md.sha256.create();
  const key = forge.pkcs12.generateKey(password, salt, macId, macIterations, macBytes, digest);
  const hmac = forge.hmac.create();
  hmac.start('sha256', key);
  hmac.update(content);
  const algorithm = sequence([identifier(oid('sha256')), asn1.create(universal, asn1.Type.NULL, false, '')]);
  return sequence([sequence([algorithm, octets(hmac.digest().getBytes())]), octets(saltBytes), integer(macIterations)]);
}

const universal = asn1.Class.UNIVERSAL;

function certificateBag(der: Uint8Array, attributes: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  const certificate = octets(Buffer.from(der).toString('latin1'));
  return bag(oid('certBag'), sequence([identifier(oid('x509Certificate')), explicit(certificate)]), attributes);
}

function bag(type: string, value: forge.asn1.Asn1, attributes: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return sequence([identifier(type), explicit(value), ...(attributes.length === 0 ? [] : [set(attributes)])]);
}

function localKeyId(keyId: string): forge.asn1.Asn1 {
  return sequence([identifier(oid('localKeyId')), set([octets(keyId)])]);
}

function dataContent(content: forge.asn1.Asn1): forge.asn1.Asn1 {
  return sequence([identifier(oid('data')), explicit(octets(toDer(content)))]);
}

function sequence(items: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(universal, asn1.Type.SEQUENCE, true, items);
}

function set(items: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(universal, asn1.Type.SET, true, items);
}

function explicit(item: forge.asn1.Asn1): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, [item]);
}

function octets(bytes: string): forge.asn1.Asn1 {
  return asn1.create(universal, asn1.Type.OCTETSTRING, false, bytes);
}

function integer(value: number): forge.asn1.Asn1 {
  return asn1.create(universal, asn1.Type.INTEGER, false, asn1.integerToDer(value).getBytes());
}

function identifier(id: string): forge.asn1.Asn1 {
  return asn1.create(universal, asn1.Type.OID, false, asn1.oidToDer(id).getBytes());
}

function oid(name: string): string {
  return pki.oids[name] ?? '';
}

function fromDer(der: Uint8Array): forge.asn1.Asn1 {
  return asn1.fromDer(Buffer.from(der).toString('latin1'));
}

function toDer(value: forge.asn1.Asn1): string {
  return asn1.toDer(value).getBytes();
}

function invalid(message: string): CertsError {
  return new CertsError('pkcs12-invalid', `the PKCS#12 file: ${message}`);
}
