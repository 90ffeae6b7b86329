import { createHash, type KeyObject, sign } from 'node:crypto';
import { keyUsageBits, oids } from '../../certs/certificate.ts';
import { readDer } from '../../certs/der.ts';
import * as der from './der.ts';
import { hourMs } from './authority.ts';

/** A key pair with the way in which it signs certificates. */
export type Keys = { readonly privateKey: KeyObject; readonly spki: Buffer; readonly scheme: Scheme };

export type Scheme = { readonly algorithm: Buffer; readonly sign: (bytes: Buffer, key: KeyObject) => Buffer };

const scheme = (algorithm: string, hash: string | null, parameters: readonly Buffer[] = []): Scheme => ({
  algorithm: der.sequence(der.oid(algorithm), ...parameters),
  sign: (bytes, key) => sign(hash, bytes, key),
});

const derNull = der.hex('0500');

function rsaPss(hash: string, hashOid: string, saltLength: number): Scheme {
  const digest = der.sequence(der.oid(hashOid), derNull);
  const parameters = der.sequence(
    der.explicit(0, digest),
    der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), digest)),
    der.explicit(2, der.integer(saltLength.toString(16).padStart(2, '0'))),
  );
  return {
    algorithm: der.sequence(der.oid('1.2.840.113549.1.1.10'), parameters),
    sign: (bytes, key) => sign(hash, bytes, { key, padding: 6, saltLength }),
  };
}

export const schemes = {
  ecdsaSha1: scheme('1.2.840.10045.4.1', 'sha1'),
  ecdsaSha224: scheme('1.2.840.10045.4.3.1', 'sha224'),
  ecdsaSha256: scheme('1.2.840.10045.4.3.2', 'sha256'),
  ecdsaSha384: scheme('1.2.840.10045.4.3.3', 'sha384'),
  ecdsaSha512: scheme('1.2.840.10045.4.3.4', 'sha512'),
  ed25519: scheme('1.3.101.112', null),
  rsaMd5: scheme('1.2.840.113549.1.1.4', 'md5', [derNull]),
  rsaSha1: scheme('1.2.840.113549.1.1.5', 'sha1', [derNull]),
  rsaSha256: scheme('1.2.840.113549.1.1.11', 'sha256', [derNull]),
  rsaSha512: scheme('1.2.840.113549.1.1.13', 'sha512', [derNull]),
  rsaPssSha1: rsaPss('sha1', '1.3.14.3.2.26', 20),
  rsaPssSha256: rsaPss('sha256', '2.16.840.1.101.3.4.2.1', 32),
} as const;

export type Extensions = Readonly<Record<string, Buffer | undefined>>;

/** How a certificate differs from a good one. Everything is written as it is given. */
export type Changes = {
  readonly version?: Buffer;
  readonly serial?: Buffer;
  readonly subject?: Buffer;
  readonly issuerName?: Buffer;
  readonly notBefore?: Buffer;
  readonly notAfter?: Buffer;
  readonly keys?: Keys;
  /** Instead of the key of `keys`. */
  readonly spki?: Buffer;
  readonly scheme?: Scheme;
  readonly innerAlgorithm?: Buffer;
  readonly outerAlgorithm?: Buffer;
  /** Elements between the key and the extensions. */
  readonly uniqueIds?: readonly Buffer[];
  /** By name, over those of a good certificate; undefined takes one away. */
  readonly extensions?: Extensions;
  /** No extensions element at all. */
  readonly bare?: boolean;
  /** Changes the signed part before it is signed. */
  readonly before?: (tbs: Buffer) => Buffer;
  /** Changes the signature. */
  readonly signature?: (signature: Buffer) => Buffer;
  /** Changes the whole. */
  readonly after?: (certificate: Buffer) => Buffer;
};

/** A certificate that may have issued another: its name, its keys, itself. */
export type Issuer = { readonly der: Buffer; readonly name: Buffer; readonly keys: Keys };

export function extension(oidText: string, value: Uint8Array, critical = false): Buffer {
  return der.sequence(der.oid(oidText), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

export const uri = (text: string): Buffer => der.tagged(6, text);

export function subjectAltName(names: readonly Buffer[], critical = false): Buffer {
  return extension(oids.subjectAltName, der.sequence(...names), critical);
}

/** RFC 5280 section 4.2.1.3: bit 0 is the highest bit of the first byte. */
export function keyUsage(bits: number, critical = true): Buffer {
  let byte = 0;
  for (let at = 0; at < 8; at++) if ((bits >> at) & 1) byte |= 0x80 >> at;
  const unused = byte === 0 ? 0 : 31 - Math.clz32(byte & -byte);
  return extension(oids.keyUsage, der.bitString(byte === 0 ? Buffer.alloc(0) : Buffer.from([byte]), unused), critical);
}

export function extendedKeyUsage(usages: readonly string[], critical = false): Buffer {
  return extension(oids.extendedKeyUsage, der.sequence(...usages.map(der.oid)), critical);
}

export function basicConstraints(ca: boolean, pathLength?: number, critical = true): Buffer {
  const limit = pathLength === undefined ? [] : [der.integer(pathLength.toString(16).padStart(2, '0'))];
  return extension(oids.basicConstraints, der.sequence(...(ca ? [der.boolean(true)] : []), ...limit), critical);
}

/** RFC 5280 section 4.2.1.2 (1): of the bits of the key. */
export function keyIdentifier({ spki }: Pick<Keys, 'spki'>): Buffer {
  const [, bits] = readDer(spki).children;
  return createHash('sha1')
    .update(bits?.content.subarray(1) ?? spki)
    .digest();
}

export function authorityKeyIdentifier(id: Uint8Array, critical = false): Buffer {
  return extension(oids.authorityKeyIdentifier, der.sequence(der.tlv(0x80, id)), critical);
}

export function subjectKeyIdentifier(id: Uint8Array, critical = false): Buffer {
  return extension(oids.subjectKeyIdentifier, der.octetString(id), critical);
}

/** A leaf with this identity, good but for the changes. */
export function leafCertificate(issuer: Issuer, keys: Keys, id: string, nowMs: number, changes: Changes = {}): Buffer {
  const standard = {
    basicConstraints: basicConstraints(false),
    keyUsage: keyUsage(keyUsageBits.digitalSignature),
    extendedKeyUsage: extendedKeyUsage([oids.serverAuth, oids.clientAuth]),
    subjectAltName: subjectAltName([uri(id)]),
  };
  return certificate(issuer, der.name('workload'), changes.keys ?? keys, nowMs, standard, changes);
}

/** An authority, good but for the changes; without an issuer it signs itself. */
export function authority(
  commonName: string,
  keys: Keys,
  nowMs: number,
  issuer?: Issuer,
  changes: Changes = {},
): Issuer {
  const standard = {
    basicConstraints: basicConstraints(true),
    keyUsage: keyUsage(keyUsageBits.keyCertSign | keyUsageBits.crlSign),
  };
  const subject = changes.subject ?? der.name(commonName);
  const self = { der: Buffer.alloc(0), name: subject, keys };
  return { der: certificate(issuer ?? self, subject, keys, nowMs, standard, changes), name: subject, keys };
}

let serials = 0;

function certificate(
  issuer: Issuer,
  subject: Buffer,
  keys: Keys,
  nowMs: number,
  standard: Extensions,
  changes: Changes,
): Buffer {
  const { algorithm, sign: signer } = changes.scheme ?? issuer.keys.scheme;
  serials += 1;
  const extensions: Extensions = {
    ...standard,
    subjectKeyIdentifier: subjectKeyIdentifier(keyIdentifier(keys)),
    authorityKeyIdentifier: authorityKeyIdentifier(keyIdentifier(issuer.keys)),
    ...changes.extensions,
  };
  const present = Object.values(extensions).filter((element) => element !== undefined);
  const tbs = der.sequence(
    changes.version ?? der.explicit(0, der.integer('02')),
    changes.serial ?? der.integer(`4${serials.toString(16).padStart(15, '0')}`),
    changes.innerAlgorithm ?? algorithm,
    changes.issuerName ?? issuer.name,
    der.sequence(changes.notBefore ?? der.time(nowMs - hourMs), changes.notAfter ?? der.time(nowMs + hourMs)),
    changes.subject ?? subject,
    changes.spki ?? keys.spki,
    ...(changes.uniqueIds ?? []),
    ...(changes.bare ? [] : [der.explicit(3, der.sequence(...present))]),
  );
  const signed = changes.before?.(tbs) ?? tbs;
  const signature = signer(signed, issuer.keys.privateKey);
  const whole = der.sequence(
    signed,
    changes.outerAlgorithm ?? algorithm,
    der.bitString(changes.signature?.(signature) ?? signature),
  );
  return changes.after?.(whole) ?? whole;
}
