import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { PlainObject } from '../../../policy/value/value.ts';
import { call } from './call.ts';
import { pki, rootPem } from './pki-of-a-policy.ts';

const { certPem, keyPem } = await pki.issue({
  subject: 'C=DE, O=Example + OU=Unit, CN=leaf',
  names: [
    { type: 'uri', value: 'spiffe://a.test/x%20y' },
    { type: 'dns', value: 'www.a.test' },
    { type: 'ip', value: '2001:db8::1' },
  ],
  presented: [],
});
const node = new X509Certificate(certPem);
const read = (given: string) => (call('crypto.x509.parse_certificates', given) as unknown as readonly PlainObject[])[0];

test('PEM, PEM in base64 and DER in base64 are one certificate', async (t) => {
  const value = read(certPem);
  t.match(value, {
    Raw: node.raw.toString('base64'),
    SerialNumber: BigInt(`0x${node.serialNumber}`),
    Subject: { Country: ['DE'], CommonName: 'leaf', Locality: null },
    URIStrings: ['spiffe://a.test/x%20y'],
    URIs: [{ Scheme: 'spiffe', Host: 'a.test', Path: '/x y', RawPath: '', User: null }],
    DNSNames: ['www.a.test'],
    IPAddresses: ['2001:db8::1'],
    EmailAddresses: null,
    Version: 3,
    PublicKeyAlgorithm: 3,
    SignatureAlgorithm: 10,
    KeyUsage: 1,
    ExtKeyUsage: [1, 2],
    BasicConstraintsValid: true,
    IsCA: false,
    MaxPathLen: -1,
    NotAfter: new Date(node.validToDate).toISOString().replace('.000Z', 'Z'),
  });
  t.same(read(Buffer.from(certPem).toString('base64')), value);
  t.same(read(node.raw.toString('base64')), value);
  t.match(call('crypto.x509.parse_certificates', rootPem + certPem), [{ IsCA: true }, { IsCA: false }]);
});

test('a key pair is one when the key is that of the certificate', async (t) => {
  t.match(call('crypto.x509.parse_keypair', certPem, keyPem), {
    Certificate: [node.raw.toString('base64')],
    PrivateKey: {
      D: BigInt(
        `0x${Buffer.from(createPrivateKey(keyPem).export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex')}`,
      ),
    },
    Leaf: { DNSNames: ['www.a.test'] },
    OCSPStaple: null,
  });
  t.throws(() => call('crypto.x509.parse_keypair', rootPem, keyPem), BuiltinError);
  t.throws(() => call('crypto.x509.parse_keypair', certPem, certPem), BuiltinError);
  t.throws(() => call('crypto.x509.parse_keypair', keyPem, keyPem), BuiltinError);
});

test('private keys are read in each of their formats', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const pem = (type: 'pkcs1' | 'pkcs8') => rsa.export({ type, format: 'pem' }).toString();
  const jwk = rsa.export({ format: 'jwk' });
  for (const given of [pem('pkcs1'), pem('pkcs8'), Buffer.from(pem('pkcs8')).toString('base64')]) {
    t.same(call('crypto.x509.parse_rsa_private_key', given), jwk);
    t.match(call('crypto.parse_private_keys', given), [{ E: 65_537 }]);
  }
  const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  t.match(call('crypto.parse_private_keys', ed + certPem), [/^[A-Za-z0-9+/]{86}==$/], 'other blocks are skipped');
  t.equal(call('crypto.parse_private_keys', ''), null);
  t.same(call('crypto.parse_private_keys', 'nothing'), []);
  t.equal(call('crypto.x509.parse_rsa_private_key', rootPem), null);
  const encrypted = rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString();
  t.throws(() => call('crypto.parse_private_keys', encrypted), BuiltinError);
});

test('a signing request has the names that it asks for', async (t) => {
  const folder = t.testdir({});
  const subject = ['-subj', '/C=DE/CN=csr', '-addext', 'subjectAltName=DNS:a.test,URI:spiffe://a.test/x'];
  const args = ['req', '-new', '-newkey', 'ed25519', '-nodes', '-keyout', `${folder}/key.pem`, ...subject];
  const pem = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const der = pem.replaceAll(/-----[^-]*-----|\s/g, '');
  for (const given of [pem, Buffer.from(pem).toString('base64'), der]) {
    t.match(call('crypto.x509.parse_certificate_request', given), {
      Raw: der,
      Subject: { CommonName: 'csr', Country: ['DE'] },
      DNSNames: ['a.test'],
      URIs: [{ Scheme: 'spiffe', Host: 'a.test' }],
      PublicKeyAlgorithm: 4,
      SignatureAlgorithm: 16,
      Extensions: [{ Id: [2, 5, 29, 17], Critical: false }],
    });
  }
  t.throws(() => call('crypto.x509.parse_certificate_request', certPem), BuiltinError);
});
