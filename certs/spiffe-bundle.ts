import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { type Certificate, certificateToPem } from './certificate.ts';
import { CertsError } from './errors.ts';
import { rootProblem } from './sources/own-svid.ts';
import type { TrustDomain } from './spiffe-id.ts';
import { parseCertificate, parseCertificatesPem } from './parse-certificate.ts';

/** What a trust domain says of itself (SPIFFE Trust Domain and Bundle section 4), found good. */
export type SpiffeBundle = {
  /** At least one. */
  readonly rootsPem: readonly string[];
  /** Public keys of its JWT-SVIDs, each with its `kid`; there may be none. */
  readonly jwtKeys: readonly JwtKey[];
  /** Undefined where it says nothing. */
  readonly sequence: number | undefined;
  readonly refreshHintMs: number | undefined;
};

export type JwtKey = { readonly kid: string } & Readonly<Record<string, string>>;

/** A domain has a few of each; with more of them it is somebody else's file, or meant to cost us time. */
const maxKeys = 100;
const maxKidLength = 256;
const publicMembers: Readonly<Record<string, readonly string[]>> = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'] };
const rootTypes: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);
const jwtCurves: readonly unknown[] = ['P-256', 'P-384', 'P-521'];

/**
 * Reads the parsed document. Types and uses that are unknown are passed over, as section 4.1.3 wants; of the two uses that are known
 * every key is good, or the whole is refused. Throws CertsError `spiffe-bundle-invalid`.
 */
export function readSpiffeBundle(document: unknown, trustDomain: TrustDomain): SpiffeBundle {
  const { keys, spiffe_sequence: sequence, spiffe_refresh_hint: hint } = objectOf(document, 'the document');
  if (!Array.isArray(keys)) throw invalid('there is no list `keys`');
  if (keys.length > maxKeys) throw invalid(`${keys.length} keys are more than ${maxKeys}`);
  const known = keys.map((key, index) => objectOf(key, `keys[${index}]`)).map(readKey(trustDomain));
  const rootsPem = known.flatMap((key) => (key?.use === 'x509-svid' ? [key.rootPem] : []));
  const jwtKeys = known.flatMap((key) => (key?.use === 'jwt-svid' ? [key.key] : []));
  if (rootsPem.length === 0) throw invalid('there is no key of use x509-svid: nobody could be believed by it');
  const kids = jwtKeys.map(({ kid }) => kid);
  const twice = kids.find((kid, index) => kids.indexOf(kid) !== index);
  if (twice !== undefined) throw invalid(`two keys have the kid ${JSON.stringify(twice)}`);
  const seconds = count(hint, 'spiffe_refresh_hint');
  return {
    rootsPem: [...new Set(rootsPem)].toSorted(),
    jwtKeys,
    sequence: count(sequence, 'spiffe_sequence'),
    refreshHintMs: seconds === undefined ? undefined : seconds * 1000,
  };
}

/** The same of roots in PEM, as files have them; who has only roots says nothing of JWT-SVIDs. Throws CertsError `spiffe-bundle-invalid`. */
export function readRootsPem(pem: string, trustDomain: TrustDomain): SpiffeBundle {
  // Who hands that out has no key that is worth believing.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw invalid('there is a private key in it');
  const roots = naming('PEM', () => parseCertificatesPem(pem));
  if (roots.length === 0) throw invalid('it is neither a JSON object nor is there a certificate in PEM in it');
  if (roots.length > maxKeys) throw invalid(`${roots.length} certificates are more than ${maxKeys}`);
  roots.forEach((root, index) => checkRoot(root, `certificate ${index + 1}`, trustDomain));
  const rootsPem = [...new Set(roots.map(certificateToPem))].toSorted();
  return { rootsPem, jwtKeys: [], sequence: undefined, refreshHintMs: undefined };
}

/** The document of a bundle endpoint. */
export function writeSpiffeBundle({ rootsPem, jwtKeys, sequence, refreshHintMs = 0 }: SpiffeBundle): string {
  const roots = rootsPem.map((pem) => {
    const der = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
    const { openssl } = parseCertificate(der);
    return { use: 'x509-svid', ...openssl.publicKey.export({ format: 'jwk' }), x5c: [der.toString('base64')] };
  });
  const keys = [...roots, ...jwtKeys.map((key) => ({ use: 'jwt-svid', ...key }))];
  return JSON.stringify({ spiffe_sequence: sequence, spiffe_refresh_hint: Math.ceil(refreshHintMs / 1000), keys });
}

/** The JWT bundle of the Workload API; without `use`, which libraries for JWTs take for a key of something else. */
export function jwtBundle(keys: readonly JwtKey[]): string {
  return JSON.stringify({ keys });
}

type Known =
  | { readonly use: 'x509-svid'; readonly rootPem: string }
  | { readonly use: 'jwt-svid'; readonly key: JwtKey };
type Members = Readonly<Record<string, unknown>>;

function readKey(trustDomain: TrustDomain) {
  return (jwk: Members, index: number): Known | undefined => {
    const at = `keys[${index}]`;
    if (typeof jwk['kty'] !== 'string' || typeof jwk['use'] !== 'string')
      throw invalid(`${at} lacks \`kty\` or \`use\``);
    // Before its type: who publishes a private key has none that is worth believing.
    if (jwk['d'] !== undefined || jwk['k'] !== undefined) throw invalid(`${at} is a private key`);
    if (jwk['use'] === 'x509-svid' && rootTypes.has(jwk['kty'])) {
      return { use: 'x509-svid', rootPem: certificateToPem(rootOf(jwk, at, trustDomain)) };
    }
    if (jwk['use'] !== 'jwt-svid' || !Object.hasOwn(publicMembers, jwk['kty'])) return undefined;
    return { use: 'jwt-svid', key: jwtKeyOf(jwk, at) };
  };
}

/** X509-SVID section 6.2: exactly one certificate, in base64 (RFC 7517 section 4.7), and its key is that of the JWK. */
function rootOf(jwk: Members, at: string, trustDomain: TrustDomain): Certificate {
  const { x5c } = jwk;
  const [text] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
  if (!Array.isArray(x5c) || x5c.length !== 1 || typeof text !== 'string') {
    throw invalid(`${at}: \`x5c\` is not exactly one certificate`);
  }
  const der = Buffer.from(text, 'base64');
  if (der.toString('base64') !== text) throw invalid(`${at}: \`x5c\` is not base64`);
  const root = naming(at, () => parseCertificate(der));
  checkRoot(root, at, trustDomain);
  const key = publicKeyOf(jwk);
  if (key === undefined || !key.equals(root.openssl.publicKey)) {
    throw invalid(`${at}: its key is not that of its certificate`);
  }
  return root;
}

function checkRoot(root: Certificate, at: string, trustDomain: TrustDomain): void {
  const problem = rootProblem(root, trustDomain);
  if (problem !== undefined) throw invalid(`${at}: ${problem.message}`);
  // A root that says whose it is speaks for nobody else, whoever publishes it.
  const foreign = root.subjectAltNames.find(
    ({ value }) => /^spiffe:/i.test(value) && value !== `spiffe://${trustDomain}`,
  );
  if (foreign !== undefined)
    throw invalid(`${at}: the root calls itself ${foreign.value}, not spiffe://${trustDomain}`);
}

/** JWT-SVID section 6.1: `kid` is there. Keys of curves that no algorithm of JWT-SVIDs has are of no use to anybody. */
function jwtKeyOf(jwk: Members, at: string): JwtKey {
  const { kid, kty } = jwk;
  if (typeof kid !== 'string' || kid === '' || kid.length > maxKidLength) {
    throw invalid(`${at}: a key of JWT-SVIDs needs a \`kid\` of 1 to ${maxKidLength} characters`);
  }
  const key = publicKeyOf(jwk);
  const { modulusLength = 0, publicExponent = 0n } = key?.asymmetricKeyDetails ?? {};
  const isGood =
    kty === 'RSA'
      ? modulusLength >= 2048 && modulusLength <= 8192 && publicExponent >= 65_537n
      : jwtCurves.includes(jwk['crv']);
  if (key === undefined || !isGood) throw invalid(`${at}: no public key that is strong enough`);
  return { kid, ...(key.export({ format: 'jwk' }) as Record<string, string>) };
}

function publicKeyOf(jwk: Members): KeyObject | undefined {
  const names = ['kty', ...(publicMembers[String(jwk['kty'])] ?? ['crv', 'x'])];
  try {
    const key = Object.fromEntries(names.map((name) => [name, jwk[name]])) as webcrypto.JsonWebKey;
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is no JSON object`);
  return value as Members;
}

/** Sections 4.1.1 and 4.1.2. Rounded where it is beyond 2^53, which keeps the order of two. */
function count(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw invalid(`\`${name}\` is no integer from 0 on`);
}

function naming<T>(at: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CertsError) throw invalid(`${at}: ${cause.message}`);
    throw cause;
  }
}

function invalid(message: string): CertsError {
  return new CertsError('spiffe-bundle-invalid', message);
}
