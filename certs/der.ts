import * as asn1js from 'asn1js';

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

export const tags = { boolean: 0x01, integer: 0x02, oid: 0x06, utcTime: 0x17, generalizedTime: 0x18 } as const;

const limits = { maxDepth: 30, maxNodes: 5000, parseEmbedded: false, copyInput: false };

/**
 * The one element that the bytes are. X.690 sections 10 and 11 allow one encoding of a value; what has two can mean two
 * things to two parsers, so any other form is an error.
 */
export function readDer(bytes: Uint8Array): Der {
  const { offset, result } = asn1js.fromBER(bytes, limits);
  if (offset === -1) throw new Error(`not ASN.1: ${result.error}`);
  const element = elementOf(result);
  if (element.raw.length !== bytes.length) throw new Error('bytes behind the end');
  return element;
}

function elementOf(block: asn1js.AsnType): Der {
  const { buffer, byteOffset, byteLength } = block.valueBeforeDecodeView;
  const raw = Buffer.from(buffer, byteOffset, byteLength);
  const { length, blockLength, isIndefiniteForm } = block.lenBlock;
  if (isIndefiniteForm || blockLength !== lengthOctets(length)) throw new Error('a length that is not DER');
  if (raw.length !== 1 + blockLength + length) throw new Error('cut short');
  if (block.idBlock.blockLength !== 1) throw new Error('a tag of more than one byte');
  const tag = raw[0] ?? 0;
  const content = raw.subarray(1 + blockLength);
  checkContent(tag, content);
  return { tag, raw, content, children: childrenOf(block) };
}

function childrenOf({ idBlock, valueBlock }: asn1js.AsnType): readonly Der[] {
  if (!idBlock.isConstructed || !('value' in valueBlock) || !Array.isArray(valueBlock.value)) return [];
  return valueBlock.value.map((child) => elementOf(child as asn1js.AsnType));
}

function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  return 1 + Math.ceil(length.toString(16).length / 2);
}

function checkContent(tag: number, content: Buffer): void {
  const [first = 0, second = 0] = content;
  if (tag === tags.boolean && (content.length !== 1 || (first !== 0 && first !== 0xff))) {
    throw new Error('a BOOLEAN that is not DER');
  }
  const padded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (tag === tags.integer && (content.length === 0 || padded)) throw new Error('an INTEGER that is not DER');
  // Universal and constructed, and neither SEQUENCE nor SET: a string in pieces.
  if (tag > 0x20 && tag < 0x40 && tag !== 0x30 && tag !== 0x31) throw new Error('a string in pieces');
}
