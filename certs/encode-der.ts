import { encodeDer, tags } from './der.ts';

/** Around elements that are encoded already. */
export function sequence(...elements: readonly Uint8Array[]): Buffer {
  return encodeDer(tags.sequence, ...elements);
}

/** `[n]` around elements that are encoded already. */
export function explicit(number: number, ...elements: readonly Uint8Array[]): Buffer {
  return encodeDer(0xa0 | number, ...elements);
}

/** Of a number that is not negative: the first bit of its encoding is the sign. */
export function integer(bytes: Uint8Array): Buffer {
  return encodeDer(tags.integer, ...((bytes[0] ?? 0) < 0x80 ? [bytes] : [Buffer.from([0]), bytes]));
}

/** RFC 5280 section 4.1.2.5: in the older form until 2049. */
export function time(timeMs: number): Buffer {
  const digits = new Date(timeMs).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return digits < '2050'
    ? encodeDer(tags.utcTime, Buffer.from(digits.slice(2)))
    : encodeDer(tags.generalizedTime, Buffer.from(digits));
}
