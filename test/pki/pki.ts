import { certificateToPem, type Extension, keyUsageBits, type AltName, oids } from '../../certs/certificate.ts';
import { parseTrustDomain } from '../../certs/spiffe-id.ts';
import { type TrustBundleData, trustBundleData } from '../../certs/trust-bundle.ts';
import { signCrl } from '../../certs/sign-crl.ts';
import { type SigningKey, signCertificate } from '../../certs/x509.ts';
import {
  type Authority,
  authorityPem,
  hourMs,
  type KeyKind,
  keyToPem,
  makeAuthority,
  makeKey,
  newSerial,
} from './authority.ts';

/** What a client or server of a test needs; `certPem` holds the leaf and its intermediate. */
export type Credential = {
  readonly certPem: string;
  readonly keyPem: string;
  /** The root that the other side has to trust. */
  readonly caPem: string;
  readonly serial: string;
  /** Leaf first, as `judgePeer` takes it. */
  readonly chainDer: readonly Uint8Array[];
};

/** How a leaf differs from a good one. */
export type LeafOptions = {
  /** Path of the SPIFFE ID in the trust domain of the PKI. */
  readonly path?: string;
  /** The whole SAN instead; not checked, so it can be as bad as the test wants. */
  readonly names?: readonly AltName[];
  readonly dnsNames?: readonly string[];
  readonly subject?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly ca?: boolean;
  /** Bits of `keyUsageBits`, or `none` to leave the extension out. */
  readonly keyUsage?: number | 'none';
  readonly keyUsageCritical?: boolean;
  /** OIDs, or `none` to leave the extension out. */
  readonly extendedKeyUsage?: readonly string[] | 'none';
  readonly extensions?: readonly Extension[];
  readonly key?: KeyKind;
  readonly hash?: SigningKey['hash'];
  /** Instead of the intermediate of the PKI. */
  readonly issuer?: Authority;
  /** Presented behind the leaf; the issuer alone by default. */
  readonly presented?: readonly Authority[];
};

export type Pki = {
  readonly trustDomain: string;
  readonly nowMs: number;
  readonly root: Authority;
  readonly intermediate: Authority;
  readonly caPem: string;
  readonly trust: TrustBundleData;
  readonly issue: (options?: LeafOptions) => Promise<Credential>;
  /** PEM of a CRL by the intermediate (or another authority) with these serials on it. */
  readonly crl: (serials: readonly string[], options?: CrlOptions) => Promise<string>;
  /** The trust bundle with CRLs in it. */
  readonly trustWith: (crlsPem: string) => TrustBundleData;
};

export type CrlOptions = {
  readonly by?: Authority;
  readonly as?: Authority;
  readonly thisUpdateMs?: number;
  readonly nextUpdateMs?: number;
};

/** A root, an intermediate, and leaves on demand, valid around `nowMs`. */
export async function makePki(options: { readonly trustDomain: string; readonly nowMs?: number }): Promise<Pki> {
  const nowMs = options.nowMs ?? Date.now();
  const trustDomain = parseTrustDomain(options.trustDomain);
  const root = await makeAuthority({ name: `${trustDomain} root`, nowMs });
  const intermediate = await makeAuthority({ name: `${trustDomain} intermediate`, nowMs, issuer: root, pathLength: 0 });
  return pkiOf({ trustDomain, nowMs, root, intermediate });
}

/** The same over authorities that exist already, such as those of a local CA. */
export function pkiOf(base: Pick<Pki, 'trustDomain' | 'nowMs' | 'root' | 'intermediate'>): Pki {
  const trustDomain = parseTrustDomain(base.trustDomain);
  const pki = { ...base, trustDomain, caPem: authorityPem(base.root) };
  const trustWith = (crlsPem: string) => trustBundleData([{ trustDomain, rootsPem: pki.caPem, crlsPem }]);
  return {
    ...pki,
    trust: trustWith(''),
    issue: (leaf = {}) => issueLeaf(pki, leaf),
    crl: (serials, crlOptions = {}) => issueCrl(pki, serials, crlOptions),
    trustWith,
  };
}

type Base = Pick<Pki, 'trustDomain' | 'nowMs' | 'root' | 'intermediate' | 'caPem'>;

async function issueLeaf(pki: Base, options: LeafOptions): Promise<Credential> {
  const issuer = options.issuer ?? pki.intermediate;
  const key = await makeKey(options.key);
  const leaf = await signCertificate(
    {
      serial: newSerial(),
      subject: options.subject ?? 'O=test',
      issuer: issuer.certificate.subject,
      notBeforeMs: options.notBeforeMs ?? pki.nowMs - 60_000,
      notAfterMs: options.notAfterMs ?? pki.nowMs + hourMs,
      publicKey: key.publicKey,
      extensions: leafExtensions(pki, options),
    },
    { ...issuer.key, hash: options.hash ?? 'SHA-256' },
  );
  const chain = [leaf, ...(options.presented ?? [issuer]).map(({ certificate }) => certificate)];
  return {
    certPem: chain.map(certificateToPem).join(''),
    keyPem: keyToPem(key),
    caPem: pki.caPem,
    serial: leaf.serial,
    chainDer: chain.map(({ der }) => der),
  };
}

function leafExtensions(pki: Base, options: LeafOptions): Extension[] {
  const { keyUsage = keyUsageBits.digitalSignature, extendedKeyUsage = [oids.serverAuth, oids.clientAuth] } = options;
  const names = options.names ?? [
    { type: 'uri', value: `spiffe://${pki.trustDomain}${options.path ?? '/client'}` },
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns', value }) as const),
  ];
  return [
    { kind: 'basic-constraints', ca: options.ca ?? false },
    ...(keyUsage === 'none'
      ? []
      : [{ kind: 'key-usage', bits: keyUsage, critical: options.keyUsageCritical ?? true } as const]),
    ...(extendedKeyUsage === 'none' ? [] : [{ kind: 'extended-key-usage', oids: extendedKeyUsage } as const]),
    ...(names.length === 0 ? [] : [{ kind: 'subject-alt-name', names } as const]),
    ...(options.extensions ?? []),
  ];
}

function issueCrl(pki: Base, serials: readonly string[], options: CrlOptions): Promise<string> {
  const issuer = options.by ?? pki.intermediate;
  return signCrl(
    {
      issuer: (options.as ?? issuer).certificate,
      thisUpdateMs: options.thisUpdateMs ?? pki.nowMs - 60_000,
      nextUpdateMs: options.nextUpdateMs ?? pki.nowMs + hourMs,
      revoked: serials.map((serial) => ({ serial, atMs: pki.nowMs - 60_000 })),
    },
    issuer.key,
  );
}
