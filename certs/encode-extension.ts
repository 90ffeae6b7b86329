import { oids } from './certificate.ts';
import { encodeDer, encodeOid, tags } from './der.ts';
import { integer, sequence } from './encode-der.ts';

/** What a certificate of ours says beside its names, key and times. */
export type Extension =
  | { readonly kind: 'basic-constraints'; readonly ca: boolean; readonly pathLength?: number }
  | { readonly kind: 'key-usage'; readonly bits: number }
  | { readonly kind: 'extended-key-usage'; readonly oids: readonly string[] }
  | { readonly kind: 'subject-alt-name'; readonly uris: readonly string[]; readonly dnsNames: readonly string[] };

/** RFC 5280 section 4.2; what reads them again is in `certificate-extensions.ts`. */
export function encodeExtension(extension: Extension): Buffer {
  switch (extension.kind) {
    case 'basic-constraints':
      return wrapped(oids.basicConstraints, basicConstraints(extension), 'critical');
    case 'key-usage':
      return wrapped(oids.keyUsage, keyUsage(extension.bits), 'critical');
    case 'extended-key-usage':
      return wrapped(oids.extendedKeyUsage, sequence(...extension.oids.map(encodeOid)));
    case 'subject-alt-name':
      return wrapped(oids.subjectAltName, subjectAltNames(extension));
  }
}

export function subjectKeyIdentifier(identifier: Uint8Array): Buffer {
  return wrapped(oids.subjectKeyIdentifier, encodeDer(tags.octetString, identifier));
}

export function authorityKeyIdentifier(identifier: Uint8Array): Buffer {
  return wrapped(oids.authorityKeyIdentifier, sequence(encodeDer(0x80, identifier)));
}

export function crlNumber(number: Uint8Array): Buffer {
  return wrapped(oids.crlNumber, integer(number));
}

function wrapped(oid: string, value: Uint8Array, critical?: 'critical'): Buffer {
  const flag = critical === undefined ? [] : [encodeTrue()];
  return sequence(encodeOid(oid), ...flag, encodeDer(tags.octetString, value));
}

const encodeTrue = () => encodeDer(tags.boolean, Buffer.from([0xff]));

/** What is false by default is left out, as DER wants it. */
function basicConstraints({ ca, pathLength }: Extract<Extension, { kind: 'basic-constraints' }>): Buffer {
  const length = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
  return sequence(...(ca ? [encodeTrue()] : []), ...length);
}

/** X.690 section 11.2.2: the first bit is that of digitalSignature, and there are none behind the last that is set. */
function keyUsage(bits: number): Buffer {
  const digits = bits.toString(2).split('').toReversed().join('');
  const unused = 8 - digits.length;
  return encodeDer(tags.bitString, Buffer.from([unused, Number.parseInt(digits.padEnd(8, '0'), 2)]));
}

function subjectAltNames({ uris, dnsNames }: Extract<Extension, { kind: 'subject-alt-name' }>): Buffer {
  const named = (tag: number) => (value: string) => encodeDer(tag, Buffer.from(value, 'latin1'));
  return sequence(...uris.map(named(0x86)), ...dnsNames.map(named(0x82)));
}
