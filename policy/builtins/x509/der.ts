import * as asn1js from 'asn1js';
import { BuiltinError } from '../builtin.ts';

/** One element of a DER encoding (X.690). */
export type Der = {
  /** The identifier octet: class, whether constructed, number. */
  readonly tag: number;
  /** With identifier and length. */
  readonly raw: Buffer;
  readonly content: Buffer;
  /** Of a constructed element. */
  readonly children: readonly Der[];
};

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** [n] of a context, with children or without. */
export const contextTag = (number: number, constructed: boolean): number => 0x80 | (constructed ? 0x20 : 0) | number;

const limits = { maxDepth: 50, maxNodes: 5000, parseEmbedded: false, copyInput: false };

/** The element at the beginning of the bytes; what follows is not looked at. Throws BuiltinError. */
export function readFirst(bytes: Buffer): Der {
  return elementOf(decoded(bytes));
}

function decoded(bytes: Buffer): asn1js.AsnType {
  try {
    const { offset, result } = asn1js.fromBER(bytes, limits);
    if (offset !== -1) return result;
    throw new BuiltinError(`malformed DER: ${result.error}`);
  } catch (cause) {
    // It answers most of what is malformed with -1, and some with an exception of its own or of what it is built on.
    throw cause instanceof BuiltinError ? cause : new BuiltinError('malformed DER', { cause });
  }
}

/** The one element that the bytes are. Throws BuiltinError. */
export function readWhole(bytes: Buffer): Der {
  const element = readFirst(bytes);
  if (element.raw.length !== bytes.length) throw new BuiltinError('malformed DER: trailing data');
  return element;
}

function elementOf(block: asn1js.AsnType): Der {
  const { buffer, byteOffset, byteLength } = block.valueBeforeDecodeView;
  const raw = Buffer.from(buffer, byteOffset, byteLength);
  const { length, blockLength, isIndefiniteForm } = block.lenBlock;
  // X.690 section 10.1: the length in its shortest form, or two readers see two certificates in the same bytes.
  if (isIndefiniteForm || blockLength !== lengthOctets(length)) throw new BuiltinError('malformed DER: length');
  if (raw.length !== 1 + blockLength + length) throw new BuiltinError('malformed DER: cut short');
  if (block.idBlock.blockLength !== 1) throw new BuiltinError('malformed DER: tag');
  const children: unknown =
    block.valueBlock instanceof asn1js.ValueBlock && 'value' in block.valueBlock ? block.valueBlock.value : [];
  return {
    tag: raw[0] ?? 0,
    raw,
    content: raw.subarray(1 + blockLength),
    children:
      block.idBlock.isConstructed && Array.isArray(children)
        ? children.map((child: asn1js.AsnType) => elementOf(child))
        : [],
  };
}

function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  return 1 + Math.ceil(length.toString(16).length / 2);
}

/** Throws BuiltinError when there is no such element. */
export function wanted(element: Der | undefined, tag: number, what: string): Der {
  if (element?.tag !== tag) throw new BuiltinError(`malformed ${what}`);
  return element;
}

/** Of an INTEGER. */
export function bigintOf(element: Der | undefined, what: string): bigint {
  const { content } = wanted(element, tags.integer, what);
  const [first = 0, second = 0] = content;
  // X.690 section 8.3.2: no octet more than needed.
  if (
    content.length === 0 ||
    (content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
  ) {
    throw new BuiltinError(`malformed ${what}`);
  }
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
}

export function booleanOf(element: Der | undefined, what: string): boolean {
  const { content } = wanted(element, tags.boolean, what);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new BuiltinError(`malformed ${what}`);
  return content[0] === 0xff;
}

/** In dotted notation. */
export function oidOf(element: Der | undefined, what: string): string {
  const { raw } = wanted(element, tags.oid, what);
  const result = decoded(raw);
  if (!(result instanceof asn1js.ObjectIdentifier)) throw new BuiltinError(`malformed ${what}`);
  return result.getValue();
}

export type BitString = { readonly unusedBits: number; readonly bytes: Buffer };

export function bitsOf(element: Der | undefined, what: string): BitString {
  const { content } = wanted(element, tags.bitString, what);
  const [unusedBits] = content;
  const last = content.length > 1 ? (content.at(-1) ?? 0) : 0;
  // X.690 section 11.2.1: what is not used is zero.
  const isPadded = unusedBits !== undefined && unusedBits <= 7 && (last & ((1 << unusedBits) - 1)) === 0;
  if (!isPadded || (unusedBits > 0 && content.length === 1)) {
    throw new BuiltinError(`malformed ${what}`);
  }
  return { unusedBits, bytes: content.subarray(1) };
}

/** Milliseconds since the epoch; RFC 5280 section 4.1.2.5 allows these two forms and no fraction or zone. */
export function timeOf(element: Der | undefined, what: string): number {
  const text = element?.content.toString('latin1') ?? '';
  const pattern = element?.tag === tags.utcTime ? /^\d{12}Z$/ : /^\d{14}Z$/;
  if ((element?.tag !== tags.utcTime && element?.tag !== tags.generalizedTime) || !pattern.test(text)) {
    throw new BuiltinError(`malformed ${what}`);
  }
  const full = element.tag === tags.utcTime ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text;
  const iso = full.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw new BuiltinError(`malformed ${what}`);
  return time;
}
