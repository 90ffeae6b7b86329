import type { Denial } from '../denial.ts';
import { ChunkedReader, type Decoded, type TinyChunks } from './chunked-reader.ts';
import type { RequestFraming } from './request-head.ts';

/** Takes bytes as they arrive, in any split, and takes the framing off. Returns a Denial once and is then dead. */
export type BodyDecoder = (bytes: Buffer) => Decoded | Denial;

export function bodyDecoder(framing: Exclude<RequestFraming, { kind: 'none' }>, tiny: TinyChunks = 'few'): BodyDecoder {
  return framing.kind === 'length' ? lengthDecoder(framing.bytes) : chunkedDecoder(tiny);
}

function lengthDecoder(length: number): BodyDecoder {
  let left = length;
  return (bytes) => {
    const taken = Math.min(left, bytes.length);
    left -= taken;
    const data = taken === 0 ? [] : [taken === bytes.length ? bytes : bytes.subarray(0, taken)];
    return { data, consumed: taken, done: left === 0 };
  };
}

function chunkedDecoder(tiny: TinyChunks): BodyDecoder {
  const reader = new ChunkedReader(tiny);
  return (bytes) => reader.read(bytes);
}
