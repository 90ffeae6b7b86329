import { type AltName, keyUsageBits, oids } from '../../certs/certificate.ts';
import type { HandshakeRefusalReason } from '../../certs/handshake-refusal.ts';
import { hourMs, makeAuthority } from './authority.ts';
import type { LeafOptions, Pki } from './pki.ts';

/** One leaf per broken rule, signed by a CA that is trusted: only the rule it is named after can refuse it. */
export type BadLeaf = {
  readonly rule: string;
  readonly reason: HandshakeRefusalReason;
  readonly options: (pki: Pki) => LeafOptions | Promise<LeafOptions>;
};

const uri = (value: string): AltName => ({ type: 'uri', value });
const der = (hex: string) => Buffer.from(hex, 'hex');

function badUri(rule: string, text: (trustDomain: string) => string): BadLeaf {
  return { rule, reason: 'not-an-svid', options: ({ trustDomain }) => ({ names: [uri(text(trustDomain))] }) };
}

export const badLeaves: readonly BadLeaf[] = [
  { rule: 'expired', reason: 'expired', options: ({ nowMs }) => ({ notAfterMs: nowMs - 2000 }) },
  {
    rule: 'not yet valid',
    reason: 'not-yet-valid',
    options: ({ nowMs }) => ({ notBeforeMs: nowMs + hourMs, notAfterMs: nowMs + 2 * hourMs }),
  },
  { rule: 'a CA as leaf', reason: 'not-an-svid', options: () => ({ ca: true }) },
  {
    rule: 'two URI SANs',
    reason: 'not-an-svid',
    options: ({ trustDomain: td }) => ({ names: [uri(`spiffe://${td}/a`), uri(`spiffe://${td}/b`)] }),
  },
  {
    rule: 'a second URI SAN of another scheme',
    reason: 'not-an-svid',
    options: ({ trustDomain: td }) => ({ names: [uri(`spiffe://${td}/a`), uri('https://example.org/')] }),
  },
  { rule: 'no SAN', reason: 'not-an-svid', options: () => ({ names: [] }) },
  { rule: 'only a DNS SAN', reason: 'not-an-svid', options: () => ({ names: [{ type: 'dns', value: 'a.example' }] }) },
  {
    rule: 'a SPIFFE ID inside a DNS SAN, CVE-2021-44532',
    reason: 'not-an-svid',
    options: ({ trustDomain: td }) => ({ names: [{ type: 'dns', value: `x, URI:spiffe://${td}/admin` }] }),
  },
  {
    rule: 'a DNS SAN with NUL beside a good URI, CVE-2026-47778',
    reason: 'not-an-svid',
    options: ({ trustDomain: td }) => ({ names: [uri(`spiffe://${td}/a`), { type: 'dns', value: 'a\0b' }] }),
  },
  {
    rule: 'an otherName beside a good URI',
    reason: 'not-an-svid',
    options: ({ trustDomain: td }) => ({ names: [uri(`spiffe://${td}/a`), { type: 'other', value: 'admin' }] }),
  },
  badUri('NUL in the URI SAN, CVE-2025-66220', (td) => `spiffe://${td}/a\0b`),
  badUri('newline in the URI SAN', (td) => `spiffe://${td}/a\nb`),
  badUri('a byte above 0x7f in the URI SAN', (td) => `spiffe://${td}/\xff`),
  badUri('an upper-case trust domain', (td) => `spiffe://${td.toUpperCase()}/a`),
  badUri('an upper-case scheme', (td) => `SPIFFE://${td}/a`),
  badUri('dot segments', (td) => `spiffe://${td}/a/../admin`),
  badUri('percent encoding', (td) => `spiffe://${td}/%61dmin`),
  badUri('a query', (td) => `spiffe://${td}/a?b`),
  badUri('a fragment', (td) => `spiffe://${td}/a#b`),
  badUri('a trailing slash', (td) => `spiffe://${td}/a/`),
  badUri('no path', (td) => `spiffe://${td}`),
  badUri('more than 2048 bytes', (td) => `spiffe://${td}/${'a'.repeat(2048)}`),
  {
    rule: 'an ID of another trust domain under this root',
    reason: 'wrong-trust-domain',
    options: () => ({ names: [uri('spiffe://other.example/client')] }),
  },
  { rule: 'EKU serverAuth only', reason: 'wrong-usage', options: () => ({ extendedKeyUsage: [oids.serverAuth] }) },
  { rule: 'EKU clientAuth only', reason: 'wrong-usage', options: () => ({ extendedKeyUsage: [oids.clientAuth] }) },
  { rule: 'EKU any', reason: 'wrong-usage', options: () => ({ extendedKeyUsage: [oids.anyExtendedKeyUsage] }) },
  {
    rule: 'keyCertSign in the leaf',
    reason: 'wrong-usage',
    options: () => ({ keyUsage: keyUsageBits.digitalSignature | keyUsageBits.keyCertSign }),
  },
  { rule: 'keyCertSign only', reason: 'wrong-usage', options: () => ({ keyUsage: keyUsageBits.keyCertSign }) },
  {
    rule: 'cRLSign in the leaf',
    reason: 'wrong-usage',
    options: () => ({ keyUsage: keyUsageBits.digitalSignature | keyUsageBits.crlSign }),
  },
  { rule: 'no digitalSignature', reason: 'wrong-usage', options: () => ({ keyUsage: keyUsageBits.keyAgreement }) },
  { rule: 'no key usage', reason: 'wrong-usage', options: () => ({ keyUsage: 'none' }) },
  { rule: 'key usage not critical', reason: 'wrong-usage', options: () => ({ keyUsageCritical: false }) },
  { rule: 'a SHA-1 signature', reason: 'weak-key', options: () => ({ hash: 'SHA-1' }) },
  { rule: 'RSA 1024', reason: 'weak-key', options: () => ({ key: 'RSA-1024' }) },
  {
    rule: 'an unknown critical extension',
    reason: 'not-an-svid',
    options: () => ({ extensions: [{ kind: 'other', oid: '1.3.6.1.4.1.99999.1', critical: true, der: der('0500') }] }),
  },
  {
    rule: 'the SAN extension twice',
    reason: 'malformed-certificate',
    options: ({ trustDomain: td }) => ({
      extensions: [{ kind: 'subject-alt-name', names: [uri(`spiffe://${td}/admin`)] }],
    }),
  },
  {
    rule: 'a leaf as issuer',
    reason: 'untrusted',
    options: async ({ root, nowMs }) => {
      const issuer = await makeAuthority({ name: 'leaf as issuer', nowMs, issuer: root, ca: false });
      return { issuer };
    },
  },
  {
    rule: 'an issuer beyond the path length',
    reason: 'untrusted',
    options: async ({ intermediate, nowMs }) => {
      const issuer = await makeAuthority({ name: 'one too deep', nowMs, issuer: intermediate });
      return { issuer, presented: [issuer, intermediate] };
    },
  },
  {
    rule: 'an issuer without keyCertSign',
    reason: 'untrusted',
    options: async ({ root, nowMs }) => {
      const keyUsage = keyUsageBits.digitalSignature;
      return { issuer: await makeAuthority({ name: 'no keyCertSign', nowMs, issuer: root, keyUsage }) };
    },
  },
  {
    rule: 'an expired issuer',
    reason: 'expired',
    options: async ({ root, nowMs }) => ({
      issuer: await makeAuthority({ name: 'expired issuer', nowMs, issuer: root, lifetimeMs: -2000 }),
    }),
  },
  {
    rule: 'an issuer with name constraints, CVE-2024-45341',
    reason: 'untrusted',
    options: async ({ root, nowMs }) => {
      const constraints = { kind: 'other', oid: oids.nameConstraints, critical: true, der: der('3000') } as const;
      return { issuer: await makeAuthority({ name: 'constrained', nowMs, issuer: root, extensions: [constraints] }) };
    },
  },
  {
    rule: 'an issuer that names another trust domain',
    reason: 'wrong-trust-domain',
    options: async ({ root, nowMs }) => {
      const names = { kind: 'subject-alt-name', names: [uri('spiffe://other.example')] } as const;
      return { issuer: await makeAuthority({ name: 'foreign issuer', nowMs, issuer: root, extensions: [names] }) };
    },
  },
  {
    rule: 'more certificates than a path can need',
    reason: 'malformed-certificate',
    options: ({ intermediate }) => ({ presented: Array.from({ length: 10 }, () => intermediate) }),
  },
  {
    rule: 'an issuer that is not presented',
    reason: 'untrusted',
    options: () => ({ presented: [] }),
  },
];
