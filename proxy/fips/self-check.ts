import { type ConnectionOptions, getCiphers, type SecureContextOptions } from 'node:tls';
import { generateKeyPair, keyToPem } from '../../certs/local-ca/key-pair.ts';
import { certificateToPem } from '../../certs/certificate.ts';
import { signCertificate } from '../../certs/x509.ts';
import { secureContext } from '../data/tls-options.ts';
import { ProxyError } from '../errors.ts';
import { approvedTls, clientTls } from './approved.ts';
import { handshake } from './handshake.ts';
import { type CryptographicModule, cryptographicModule } from './module.ts';

/** What TLS may be tried with that is not approved; OpenSSL has no list of its groups that Node shows. */
const otherGroups = ['X25519', 'X448', 'P-521', 'X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'];
const olderCiphers = ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-SHA'];
const approvedSignatures = new Set(
  ['256', '384', '512']
    .flatMap((bits) => [`RSA-PSS+SHA${bits}`, `RSA+SHA${bits}`])
    .concat('ECDSA+SHA256', 'ECDSA+SHA384'),
);
const groups = approvedTls.ecdhCurve.split(':');
const ciphers = approvedTls.ciphers.split(':');
const names: Readonly<Record<string, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };

type Tls = SecureContextOptions & ConnectionOptions;

/**
 * Shows by handshakes in memory, with the very options of the listener and of our clients, that each list is in force: an
 * option that a version of Node or OpenSSL takes without obeying it would otherwise be seen by nobody. Throws ProxyError
 * `fips-not-in-force`.
 */
export async function checkFips(nowMs: number): Promise<CryptographicModule> {
  const cryptography = cryptographicModule();
  const identity = await throwAwayIdentity(nowMs);
  await checkListener(secureContext(identity, [], 'approved'));
  await checkClient(clientTls('approved'), identity);
  return cryptography;
}

export type Identity = { readonly chainPem: string; readonly keyPem: string };

/** Throws ProxyError `fips-not-in-force` when these options let a client have anything that is not approved. */
export function checkListener(options: SecureContextOptions): Promise<void> {
  return checkSide('the listener', (client) => handshake(options, client), 'TLSv1.2');
}

/** The same of a client, before servers with this identity. */
export function checkClient(options: ConnectionOptions, { chainPem: cert, keyPem: key }: Identity): Promise<void> {
  return checkSide('a client', (server) => handshake({ cert, key, ...server }, options), 'TLSv1.1');
}

type Attempt = (other: Tls) => ReturnType<typeof handshake>;

async function checkSide(side: string, attempt: Attempt, maxVersion: 'TLSv1.1' | 'TLSv1.2'): Promise<void> {
  for (const ecdhCurve of groups) {
    for (const cipher of ciphers) {
      const done = await attempt({ ecdhCurve, ciphers: cipher });
      if (done?.group === names[ecdhCurve] && done?.cipher === cipher) continue;
      throw notInForce(`${side} makes no handshake with ${ecdhCurve} and ${cipher}`);
    }
  }
  const others: readonly (readonly [string, Tls])[] = [
    ...otherGroups.map((ecdhCurve) => [ecdhCurve, { ecdhCurve }] as const),
    ...otherCiphers().map((cipher) => [cipher, { ciphers: cipher, maxVersion: 'TLSv1.3' }] as const),
    ...olderCiphers.map((cipher) => [cipher, { ciphers: cipher, maxVersion: 'TLSv1.2' }] as const),
    [maxVersion, { maxVersion, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }],
  ];
  for (const [what, other] of others) {
    if ((await attempt(other)) !== undefined) throw notInForce(`${side} makes a handshake with ${what}`);
  }
  const { signatures = [] } = (await attempt({ minVersion: 'TLSv1.3' })) ?? {};
  const strange = signatures.filter((name) => !approvedSignatures.has(name));
  if (signatures.length === 0 || strange.length > 0)
    throw notInForce(`${side} agrees on the signatures ${strange.join(', ') || 'of nobody'}`);
}

/** Suites of TLS 1.3 that this OpenSSL has and that are not approved. */
function otherCiphers(): readonly string[] {
  const all = getCiphers().map((name) => name.toUpperCase());
  return all.filter((name) => name.startsWith('TLS_') && !ciphers.includes(name));
}

/** For the handshakes of a check: signed by itself, for two hours. */
export async function throwAwayIdentity(nowMs: number): Promise<Identity> {
  const key = await generateKeyPair('P-256');
  const hour = 3_600_000;
  const request = { serial: '01', subject: 'CN=self-check', issuer: 'CN=self-check', extensions: [] };
  const validity = { notBeforeMs: nowMs - hour, notAfterMs: nowMs + hour };
  const certificate = await signCertificate({ ...request, ...validity, publicKey: key.publicKey }, key);
  return { chainPem: certificateToPem(certificate), keyPem: keyToPem(key) };
}

function notInForce(what: string): ProxyError {
  return new ProxyError('fips-not-in-force', what);
}
