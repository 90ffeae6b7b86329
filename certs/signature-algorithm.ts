import { type Der, oidText, tags } from './der.ts';

/** RFC 3279, RFC 5758, RFC 8410; what is not here has its OID for a name, which no rule accepts. */
const names: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.5', 'RSASSA-PKCS1-v1_5-SHA-1'],
  ['1.2.840.113549.1.1.11', 'RSASSA-PKCS1-v1_5-SHA-256'],
  ['1.2.840.113549.1.1.12', 'RSASSA-PKCS1-v1_5-SHA-384'],
  ['1.2.840.113549.1.1.13', 'RSASSA-PKCS1-v1_5-SHA-512'],
  ['1.2.840.10045.4.1', 'ECDSA-SHA-1'],
  ['1.2.840.10045.4.3.2', 'ECDSA-SHA-256'],
  ['1.2.840.10045.4.3.3', 'ECDSA-SHA-384'],
  ['1.2.840.10045.4.3.4', 'ECDSA-SHA-512'],
  ['1.3.101.112', 'Ed25519'],
]);

const rsaPss = '1.2.840.113549.1.1.10';
const hashes: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'SHA-1'],
  ['2.16.840.1.101.3.4.2.1', 'SHA-256'],
  ['2.16.840.1.101.3.4.2.2', 'SHA-384'],
  ['2.16.840.1.101.3.4.2.3', 'SHA-512'],
]);

/** The name of an AlgorithmIdentifier of a signature. */
export function signatureAlgorithmName({ children: [algorithm, parameters] }: Der): string {
  if (algorithm === undefined) throw new Error('no signature algorithm');
  const oid = oidText(algorithm);
  return oid === rsaPss ? `RSA-PSS-${pssHash(parameters)}` : (names.get(oid) ?? oid);
}

/** RFC 4055 section 3.1: the hash stands in `[0]`, and is SHA-1 where nothing is said. */
function pssHash(parameters: Der | undefined): string {
  const hash = parameters?.children.find(({ tag }) => tag === 0xa0)?.children[0]?.children[0];
  if (hash === undefined) return 'SHA-1';
  if (hash.tag !== tags.oid) throw new Error('no hash of a signature');
  const oid = oidText(hash);
  return hashes.get(oid) ?? oid;
}
