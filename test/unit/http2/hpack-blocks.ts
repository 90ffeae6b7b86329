import { BlockDecoder, type DecodedBlock } from '../../../proxy/http2/hpack/decoder.ts';
import { longestInteger, writeInteger } from '../../../proxy/http2/hpack/integer.ts';
import type { BlockLimits } from '../../../proxy/http2/hpack/kept-fields.ts';

export const ample: BlockLimits = { maxBytes: 1_000_000, maxFields: 10_000 };

export function hex(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '');
  return Buffer.from(digits, 'hex');
}

export function decodeOnce(block: Buffer, limits: BlockLimits = ample): DecodedBlock {
  return new BlockDecoder(4096).decode(block, limits);
}

export function integer(prefixBits: number, pattern: number, value: number): Buffer {
  const octets = Buffer.alloc(longestInteger);
  return octets.subarray(0, writeInteger(octets, 0, prefixBits, pattern, value));
}

export function plainText(text: string): Buffer {
  return Buffer.concat([integer(7, 0, text.length), Buffer.from(text, 'latin1')]);
}

/** A literal with incremental indexing: name and value go into the table. */
export function indexing(name: string, value: string): Buffer {
  return Buffer.concat([hex('40'), plainText(name), plainText(value)]);
}

export function withoutIndexing(name: string, value: string): Buffer {
  return Buffer.concat([hex('00'), plainText(name), plainText(value)]);
}

export function indexed(index: number): Buffer {
  return integer(7, 0x80, index);
}

export function sizeUpdate(size: number): Buffer {
  return integer(5, 0x20, size);
}
