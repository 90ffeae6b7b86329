import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { test } from 'tap';
import type { AltName, Certificate } from '../../../certs/certificate.ts';
import { parseCertificate } from '../../../certs/parse-certificate.ts';
import { below, oneOf, seeded } from '../../harness/random.ts';
import { allChains } from '../../pki/chains/all-chains.ts';
import { makeWorld } from '../../pki/chains/chain.ts';

/*
 * The path of a handshake reads extensions by the rules of certs/certificate-extensions.ts, which are stricter and
 * take a fraction of the memory. Whatever they accept, @peculiar/x509 must read in the same way.
 */

const world = makeWorld('shop.example', Date.now());
const certificates = allChains.flatMap(({ offer }) => offer(world).chain);

const altNameTypes: Partial<Record<string, AltName['type']>> = { url: 'uri', dns: 'dns', email: 'email', ip: 'ip' };

/** Values of names that no rule reads have no form of their own; addresses are compared by their groups. */
function comparable({ type, value }: AltName): AltName {
  if (type === 'other') return { type, value: '' };
  if (type !== 'ip' || !value.includes(':')) return { type, value };
  const groups = value.split(':').map((group) => group.padStart(4, '0'));
  return { type, value: groups.join(':') };
}

function asTheLibraryReads(der: Uint8Array): Partial<Certificate> {
  const read = new x509.X509Certificate(der);
  const constraints = read.getExtension(x509.BasicConstraintsExtension) ?? undefined;
  const keyUsage = read.getExtension(x509.KeyUsagesExtension) ?? undefined;
  const altNames = read.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const { name, hash } = read.signatureAlgorithm as {
    readonly name: string;
    readonly hash?: { readonly name: string };
  };
  return {
    notBeforeMs: read.notBefore.getTime(),
    notAfterMs: read.notAfter.getTime(),
    subjectAltNames: altNames.map(({ type, value }) => comparable({ type: altNameTypes[type] ?? 'other', value })),
    basicConstraints: constraints && { ca: constraints.ca, pathLength: constraints.pathLength },
    // No bit at all is not a number there.
    keyUsage: keyUsage && { bits: keyUsage.usages || 0, critical: keyUsage.critical },
    extendedKeyUsage: read.getExtension(x509.ExtendedKeyUsageExtension)?.usages.map(String),
    extensions: read.extensions.map(({ type, critical }) => ({ oid: type, critical })),
    signatureAlgorithm: hash === undefined ? name : `${name}-${hash.name}`,
  };
}

function attempt<T>(read: () => T): T | { readonly refused: string } {
  try {
    return read();
  } catch (cause) {
    return { refused: String(cause) };
  }
}

/** Undefined where we refuse: that is ours to decide. */
function disagreement(der: Uint8Array): { readonly ours: unknown; readonly theirs: unknown } | undefined {
  const read = attempt(() => parseCertificate(der));
  if ('refused' in read) return undefined;
  const ours = { ...read, subjectAltNames: read.subjectAltNames.map(comparable) };
  const theirs = attempt(() => asTheLibraryReads(der));
  const same = Object.fromEntries(Object.keys(theirs).map((name) => [name, ours[name as keyof Certificate]]));
  return JSON.stringify(same) === JSON.stringify(theirs) ? undefined : { ours: same, theirs };
}

test('of each certificate of the table', async (t) => {
  t.ok(certificates.length > 300);
  for (const der of certificates) {
    const found = disagreement(der);
    if (found !== undefined) t.same(found.ours, found.theirs, der.toString('hex'));
  }
});

test('of certificates with a byte that is another', async (t) => {
  const random = seeded(20_261_122);
  let accepted = 0;
  for (let round = 0; round < 800; round += 1) {
    const der = Buffer.from(oneOf(random, certificates));
    der[below(random, der.length)] = below(random, 256);
    const found = disagreement(der);
    if (found !== undefined) t.same(found.ours, found.theirs, der.toString('hex'));
    if (!('refused' in attempt(() => parseCertificate(der)))) accepted += 1;
  }
  t.ok(accepted > 200, `${accepted} were accepted`);
});
