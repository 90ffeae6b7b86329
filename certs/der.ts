import * as asn1js from 'asn1js';

/** One element of a DER encoding (X.690), as far as it can be told without looking into it. */
export type Element = {
  /** The identifier octet: class, whether constructed, number. */
  readonly tag: number;
  /** With identifier and length. */
  readonly raw: Buffer;
  readonly content: Buffer;
};

export type Der = Element & {
  /** Of a constructed element. */
  readonly children: readonly Der[];
};

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
} as const;

const limits = { maxDepth: 30, maxNodes: 5000, parseEmbedded: false, copyInput: false };

/**
 * The one element that the bytes are. X.690 sections 10 and 11 allow one encoding of a value; what has two can mean two
 * things to two parsers, so any other form is an error.
 */
export function readDer(bytes: Uint8Array): Der {
  const element = firstElement(bytes);
  if (element.raw.length !== bytes.length) throw new Error('bytes behind the end');
  return element;
}

/** The encodings of elements that stand one behind the other, as the SPIFFE Workload API has certificates. */
export function readDerElements(bytes: Uint8Array): readonly Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (let rest = bytes; rest.length > 0; rest = rest.subarray(elements.at(-1)?.length)) {
    elements.push(firstElement(rest).raw);
  }
  return elements;
}

function firstElement(bytes: Uint8Array): Der {
  const { offset, result } = asn1js.fromBER(bytes, limits);
  if (offset === -1) throw new Error(`not ASN.1: ${result.error}`);
  return elementOf(result);
}

/**
 * The elements that stand one behind the other in the bytes, each held to the same rules, and none of them looked into: a
 * list of a hundred thousand elements is read without a tree of objects for it.
 */
export function* elementsIn(bytes: Uint8Array): Generator<Element> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from < whole.length; ) {
    const element = elementAt(whole, from);
    yield element;
    from += element.raw.length;
  }
}

/** One for all, since making it takes longer than reading with it; nothing of it is used after the next reading. */
let header = new asn1js.BaseBlock();

function elementAt(bytes: Buffer, from: number): Element {
  const { idBlock, lenBlock } = header;
  const lengthFrom = idBlock.fromBER(bytes, from, bytes.length - from);
  const contentFrom = lengthFrom === -1 ? -1 : lenBlock.fromBER(bytes, lengthFrom, bytes.length - lengthFrom);
  lenBlock.warnings.length = 0;
  if (contentFrom !== -1) return checked(header, bytes.subarray(from, contentFrom + lenBlock.length));
  header = new asn1js.BaseBlock();
  throw new Error(`not ASN.1: ${idBlock.error || lenBlock.error}`);
}

/** The one element that the bytes are, not looked into. */
export function onlyElement(bytes: Uint8Array): Element {
  const [element, second] = elementsIn(bytes);
  if (element === undefined || second !== undefined) throw new Error('not one element');
  return element;
}

function elementOf(block: asn1js.AsnType): Der {
  const { buffer, byteOffset, byteLength } = block.valueBeforeDecodeView;
  return { ...checked(block, Buffer.from(buffer, byteOffset, byteLength)), children: childrenOf(block) };
}

function checked({ idBlock, lenBlock }: asn1js.BaseBlock, raw: Buffer): Element {
  const { length, blockLength, isIndefiniteForm } = lenBlock;
  if (isIndefiniteForm || blockLength !== lengthOctets(length)) throw new Error('a length that is not DER');
  if (raw.length !== 1 + blockLength + length) throw new Error('cut short');
  if (idBlock.blockLength !== 1) throw new Error('a tag of more than one byte');
  const tag = raw[0] ?? 0;
  const content = raw.subarray(1 + blockLength);
  checkContent(tag, content);
  return { tag, raw, content };
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

/** Such as `2.5.29.20`. */
export function oidText({ tag, raw }: Element): string {
  const { result } = asn1js.fromBER(raw, limits);
  if (tag !== tags.oid || !(result instanceof asn1js.ObjectIdentifier)) throw new Error('not an OBJECT IDENTIFIER');
  return result.getValue();
}

const classes = [1, 2, 3, 4] as const;

/** The encoding of one element around its content. */
export function encodeDer(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const idBlock = { tagClass: classes[tag >> 6] ?? 1, tagNumber: tag & 0x1f };
  const element = new asn1js.Primitive({ idBlock, valueHex: Buffer.concat(content) });
  // What stands inside is encoded already.
  element.idBlock.isConstructed = (tag & 0x20) !== 0;
  return Buffer.from(element.toBER());
}

export function encodeOid(text: string): Buffer {
  return Buffer.from(new asn1js.ObjectIdentifier({ value: text }).toBER());
}
