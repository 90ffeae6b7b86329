import { keysOf, type KeyName } from '../keys.ts';
import { type Scheme, schemes } from '../raw-certificate.ts';
import * as der from '../der.ts';
import { badIssuer, badLeaf, behindLeaf, type ClientChain, issuing, leaf, type Verdict } from './chain.ts';

const strength = 'SP 800-57 part 1, 5.6';
const weak = 'weak-key';

/** A leaf with such a key, behind the good intermediate. */
const keyed = (kind: KeyName, verdict: Verdict = weak, overTls?: Verdict): ClientChain => ({
  rule: `a leaf with ${kind}`,
  clause: strength,
  verdict,
  ...(overTls === undefined ? {} : { overTls }),
  offer: (world) => ({ chain: [leaf(world, { keys: keysOf(kind) }), world.intermediate.der], keys: keysOf(kind) }),
});

/** A good leaf that an issuer with such a key has signed in such a way. */
const signed = (rule: string, kind: KeyName, verdict: Verdict, scheme?: Scheme): ClientChain => ({
  rule,
  clause: strength,
  verdict,
  offer: (world) => {
    const keys = keysOf(kind);
    const issuer = issuing(world, `issuer with ${kind}`, { keys });
    const own = leaf(world, scheme === undefined ? {} : { scheme }, issuer);
    return { chain: [own, issuer.der], keys: keysOf('P-256', 1) };
  },
});

/** RSA with a modulus that nobody has the factors of; the handshake cannot be finished with it. */
function rsaSpki(bits: number, exponent: string): Buffer {
  const modulus = Buffer.alloc(bits / 8 + 1, 0xc5);
  modulus[0] = 0;
  const key = der.sequence(der.tlv(0x02, modulus), der.integer(exponent));
  return der.sequence(der.sequence(der.oid('1.2.840.113549.1.1.1'), der.hex('0500')), der.bitString(key));
}

const mismatch = 'RFC 5280 4.1.1.2';
const bad = 'malformed-certificate';

export const algorithmChains: readonly ClientChain[] = [
  keyed('RSA-1024'),
  keyed('P-224', weak, 'protocol'),
  keyed('P-192', weak, 'protocol'),
  keyed('secp256k1', weak, 'protocol'),
  keyed('Ed448', weak, 'protocol'),
  keyed('P-256 with explicit parameters', 'malformed-certificate'),
  keyed('RSA-2048 with exponent 3'),
  badLeaf(
    { rule: 'RSA with exponent 1', clause: 'FIPS 186-5 A.1.1', verdict: weak, overTls: 'protocol' },
    {
      spki: rsaSpki(2048, '01'),
    },
  ),
  badLeaf(
    { rule: 'RSA of 2040 bits', clause: strength, verdict: weak, overTls: 'protocol' },
    {
      spki: rsaSpki(2040, '010001'),
    },
  ),
  badLeaf(
    { rule: 'RSA of 16384 bits', clause: strength, verdict: weak, overTls: 'protocol' },
    {
      spki: rsaSpki(16384, '010001'),
    },
  ),
  badLeaf(
    { rule: 'RSA with an exponent of 34 bits', clause: strength, verdict: weak, overTls: 'protocol' },
    {
      spki: rsaSpki(2048, '0200000001'),
    },
  ),
  badLeaf(
    { rule: 'RSA of 8200 bits', clause: strength, verdict: weak, overTls: 'protocol' },
    {
      spki: rsaSpki(8200, '010001'),
    },
  ),
  badLeaf(
    {
      rule: 'RSA as long as allowed, of which nobody has the key',
      clause: strength,
      verdict: 'served',
      overTls: 'protocol',
    },
    {
      spki: rsaSpki(8192, '0100000001'),
    },
  ),
  badLeaf(
    { rule: 'a key of an unknown kind', clause: strength, verdict: 'malformed-certificate', overTls: 'protocol' },
    {
      spki: der.sequence(der.sequence(der.oid('1.3.6.1.4.1.99999.2')), der.bitString(der.hex('00'))),
    },
  ),
  badLeaf(
    {
      rule: 'a point that is not on the curve',
      clause: 'RFC 5480 2.2',
      verdict: 'malformed-certificate',
      overTls: 'protocol',
    },
    {
      spki: der.sequence(
        der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.2.840.10045.3.1.7')),
        der.bitString(Buffer.concat([der.hex('04'), Buffer.alloc(64, 1)])),
      ),
    },
  ),
  signed('a signature of ECDSA with SHA-1', 'P-256', weak, schemes.ecdsaSha1),
  signed('a signature of ECDSA with SHA-224', 'P-256', weak, schemes.ecdsaSha224),
  signed('a signature of RSA with MD5', 'RSA-2048', weak, schemes.rsaMd5),
  signed('a signature of RSA with SHA-1', 'RSA-2048', weak, schemes.rsaSha1),
  signed('a signature of RSA-PSS with SHA-1', 'RSA-2048', weak, schemes.rsaPssSha1),
  signed('an issuer with RSA-1024', 'RSA-1024', weak),
  signed('an issuer with RSA of exponent 3', 'RSA-2048 with exponent 3', weak),
  signed('an issuer with P-224', 'P-224', weak),
  signed('an issuer with secp256k1', 'secp256k1', weak),
  signed(
    'an issuer with explicit parameters, CVE-2020-0601',
    'P-256 with explicit parameters',
    'malformed-certificate',
  ),
  badIssuer({ rule: 'an issuer signed with SHA-1', clause: strength, verdict: weak }, { scheme: schemes.ecdsaSha1 }),
  badLeaf(
    { rule: 'the algorithm outside is stronger than inside', clause: mismatch, verdict: bad },
    {
      scheme: schemes.ecdsaSha1,
      outerAlgorithm: schemes.ecdsaSha256.algorithm,
    },
  ),
  badLeaf(
    { rule: 'the algorithm inside is another than outside', clause: mismatch, verdict: bad },
    {
      innerAlgorithm: schemes.ecdsaSha384.algorithm,
    },
  ),
  badLeaf(
    { rule: 'the algorithm of RSA over a signature of ECDSA', clause: mismatch, verdict: 'untrusted' },
    {
      innerAlgorithm: schemes.rsaSha256.algorithm,
      outerAlgorithm: schemes.rsaSha256.algorithm,
    },
  ),
  badLeaf(
    { rule: 'an unknown signature algorithm', clause: mismatch, verdict: 'untrusted' },
    {
      innerAlgorithm: der.sequence(der.oid('1.3.6.1.4.1.99999.3')),
      outerAlgorithm: der.sequence(der.oid('1.3.6.1.4.1.99999.3')),
    },
  ),
  behindLeaf(
    { rule: 'an issuer whose RSA modulus is 16384 bits long', clause: strength, verdict: 'untrusted' },
    (world) => {
      const issuer = issuing(world, 'slow to verify', { spki: rsaSpki(16384, '010001') });
      return { issuer: { ...issuer, keys: keysOf('RSA-2048') }, behind: [issuer.der] };
    },
  ),
  keyed('P-384', 'served'),
  keyed('P-521', 'served'),
  keyed('Ed25519', 'served'),
  keyed('RSA-2048', 'served'),
  keyed('RSA-4096', 'served'),
  keyed('RSA-PSS-2048', 'served'),
  signed('an issuer with P-384', 'P-384', 'served'),
  signed('an issuer with Ed25519', 'Ed25519', 'served'),
  signed('an issuer with RSA-2048', 'RSA-2048', 'served'),
  signed('a signature of RSA-PSS with SHA-256', 'RSA-2048', 'served', schemes.rsaPssSha256),
  signed('an issuer with a key for RSA-PSS only', 'RSA-PSS-2048', 'served'),
  signed('a signature of RSA with SHA-512', 'RSA-2048', 'served', schemes.rsaSha512),
  signed('a signature of ECDSA with SHA-512', 'P-256', 'served', schemes.ecdsaSha512),
];
