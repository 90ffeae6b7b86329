import { BuiltinError } from '../builtin.ts';
import { bigintOf, contextTag, type Der, oidOf, tags, wanted } from './der.ts';

/** Numbers are Go's x509.SignatureAlgorithm; the family is that of the key, the hash what node:crypto calls it. */
type SignatureAlgorithm = { readonly number: number; readonly key: PublicKeyFamily; readonly isTrusted: boolean };
export type PublicKeyFamily = 'rsa' | 'ec' | 'ed25519';

const algorithm = (number: number, key: PublicKeyFamily, isTrusted = true): SignatureAlgorithm => ({
  number,
  key,
  isTrusted,
});

/** MD5 and SHA-1 have a name and no trust. */
const byOid: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.113549.1.1.4', algorithm(2, 'rsa', false)],
  ['1.2.840.113549.1.1.5', algorithm(3, 'rsa', false)],
  ['1.3.14.3.2.29', algorithm(3, 'rsa', false)],
  ['1.2.840.113549.1.1.11', algorithm(4, 'rsa')],
  ['1.2.840.113549.1.1.12', algorithm(5, 'rsa')],
  ['1.2.840.113549.1.1.13', algorithm(6, 'rsa')],
  ['1.2.840.10045.4.1', algorithm(9, 'ec', false)],
  ['1.2.840.10045.4.3.2', algorithm(10, 'ec')],
  ['1.2.840.10045.4.3.3', algorithm(11, 'ec')],
  ['1.2.840.10045.4.3.4', algorithm(12, 'ec')],
]);

const rsaPss = '1.2.840.113549.1.1.10';
const mgf1 = '1.2.840.113549.1.1.8';
export const ed25519 = '1.3.101.112';

/** By hash, each with a salt of its own length and itself in the mask: what RFC 4055 section 3.1 recommends, and nothing else. */
const pssByHash: ReadonlyMap<string, { readonly saltBytes: bigint; readonly algorithm: SignatureAlgorithm }> = new Map([
  ['2.16.840.1.101.3.4.2.1', { saltBytes: 32n, algorithm: algorithm(13, 'rsa') }],
  ['2.16.840.1.101.3.4.2.2', { saltBytes: 48n, algorithm: algorithm(14, 'rsa') }],
  ['2.16.840.1.101.3.4.2.3', { saltBytes: 64n, algorithm: algorithm(15, 'rsa') }],
]);

/** Of an AlgorithmIdentifier; undefined for what is unknown, which Go calls 0. */
export function signatureAlgorithmOf(identifier: Der): SignatureAlgorithm | undefined {
  const [type, parameters] = wanted(identifier, tags.sequence, 'signature algorithm').children;
  const oid = oidOf(type, 'signature algorithm');
  // RFC 8410 section 3: without parameters.
  if (oid === ed25519) return parameters === undefined ? algorithm(16, 'ed25519') : undefined;
  if (oid !== rsaPss) return byOid.get(oid);
  try {
    return parameters === undefined ? undefined : pssOf(parameters);
  } catch (thrown) {
    if (thrown instanceof BuiltinError) return undefined;
    throw thrown;
  }
}

function pssOf(parameters: Der): SignatureAlgorithm | undefined {
  const [hash, mask, salt, ...rest] = parameters.children;
  const [hashName] = inside(hash, 0).children;
  const [maskName, maskHash] = inside(mask, 1).children;
  const oid = oidOf(hashName, 'hash');
  const isMgf1 = oidOf(maskName, 'mask') === mgf1 && oidOf(maskHash?.children[0], 'mask') === oid;
  const found = pssByHash.get(oid);
  const saltBytes = bigintOf(wanted(salt, contextTag(2, true), 'salt').children[0], 'salt');
  return isMgf1 && rest.length === 0 && found?.saltBytes === saltBytes ? found.algorithm : undefined;
}

function inside(element: Der | undefined, number: number): Der {
  return wanted(wanted(element, contextTag(number, true), 'parameters').children[0], tags.sequence, 'parameters');
}
