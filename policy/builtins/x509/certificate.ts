import type { Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { signatureAlgorithmOf } from './algorithm.ts';
import { bigintOf, type BitString, bitsOf, contextTag, type Der, readFirst, tags, timeOf, wanted } from './der.ts';
import { type Extension, type Extensions, factsOf, readExtensions } from './extensions.ts';
import { nameValue } from './name.ts';
import { type PublicKey, publicKeyOf } from './public-key.ts';

/** A certificate that was read and not verified. */
export type Certificate = {
  readonly raw: Buffer;
  readonly rawTbs: Buffer;
  readonly rawPublicKey: Buffer;
  readonly rawSubject: Buffer;
  readonly rawIssuer: Buffer;
  readonly signature: Buffer;
  readonly signatureAlgorithm: ReturnType<typeof signatureAlgorithmOf>;
  readonly publicKey: PublicKey;
  readonly version: number;
  readonly serial: bigint;
  readonly issuer: Value;
  readonly subject: Value;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Extension[];
  readonly facts: Extensions;
};

/** What reading one costs, by what was measured. */
const certificateSteps = 5_000;

/** Certificates in DER, one behind the other. Throws BuiltinError when one is malformed. */
export function readCertificates(context: BuiltinContext, bytes: Buffer): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    context.charge(certificateSteps + Math.ceil(Math.min(rest.length, 65_536) / 16));
    const certificate = certificateOf(readFirst(rest));
    certificates.push(certificate);
    rest = rest.subarray(certificate.raw.length);
  }
  return certificates;
}

function certificateOf(certificate: Der): Certificate {
  const [tbs, outer, signature] = wanted(certificate, tags.sequence, 'certificate').children;
  const { version, serial, parts, optional } = split(wanted(tbs, tags.sequence, 'tbs certificate'));
  const [inner, issuer, validity, subject, publicKey] = parts;
  if (outer === undefined || !outer.raw.equals(inner.raw)) {
    throw new BuiltinError("inner and outer signature algorithm identifiers don't match");
  }
  const [notBefore, notAfter] = wanted(validity, tags.sequence, 'validity').children;
  const wrapped = version === 3 ? optional.find(({ tag }) => tag === contextTag(3, true)) : undefined;
  const extensions =
    wrapped === undefined ? [] : readExtensions(wanted(wrapped.children[0], tags.sequence, 'extensions'));
  return {
    raw: certificate.raw,
    rawTbs: (tbs as Der).raw,
    rawPublicKey: publicKey.raw,
    rawSubject: subject.raw,
    rawIssuer: issuer.raw,
    signature: rightAligned(bitsOf(signature, 'signature')),
    signatureAlgorithm: signatureAlgorithmOf(inner),
    publicKey: publicKeyOf(publicKey),
    version,
    serial,
    issuer: nameValue(issuer),
    subject: nameValue(subject),
    notBeforeMs: timeOf(notBefore, 'validity'),
    notAfterMs: timeOf(notAfter, 'validity'),
    extensions,
    facts: factsOf(extensions),
  };
}

type Five = readonly [Der, Der, Der, Der, Der];

/** The version, which may be left out, the serial number, what must follow, and what may. */
function split(tbs: Der): { version: number; serial: bigint; parts: Five; optional: readonly Der[] } {
  const rest = [...tbs.children];
  const hasVersion = rest[0]?.tag === contextTag(0, true);
  const version = 1n + (hasVersion ? bigintOf(rest.shift()?.children[0], 'version') : 0n);
  if (version < 1n || version > 3n) throw new BuiltinError('invalid version');
  const serial = bigintOf(rest.shift(), 'serial number');
  if (serial < 0n) throw new BuiltinError('negative serial number');
  const parts = rest.splice(0, 5);
  if (parts.length !== 5) throw new BuiltinError('malformed tbs certificate');
  return { version: Number(version), serial, parts: parts as unknown as Five, optional: rest };
}

/** As Go's BitString.RightAlign: a signature is whole octets, and anything else will not verify. */
export function rightAligned({ unusedBits, bytes }: BitString): Buffer {
  if (unusedBits === 0) return bytes;
  const length = bytes.length;
  return Buffer.from(
    Array.from(
      { length },
      (_, i) => (((bytes[i - 1] ?? 0) << (8 - unusedBits)) | ((bytes[i] ?? 0) >> unusedBits)) & 0xff,
    ),
  );
}
