import type { Fault } from './fault.ts';
import { endsSymbol, huffmanAutomaton, mayEnd, refused, symbolShift } from './huffman-automaton.ts';

/** The most octets that come out of so many: the shortest code has five bits. */
export function longestDecoded(octets: number): number {
  return Math.ceil((octets * 8) / 5);
}

/**
 * Decodes what stands between two places of a block (RFC 7541 section 5.2).
 * @param target has room for `longestDecoded` octets behind `targetStart`
 * @returns the place in `target` behind the last octet
 */
export function decodeHuffman(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetStart: number,
): number | Fault {
  const automaton = huffmanAutomaton();
  let written = targetStart;
  let entry = mayEnd;
  for (let at = start; at < end; at += 1) {
    const octet = source[at] as number;
    const high = automaton[((entry & 0xff) << 4) | (octet >>> 4)] as number;
    if ((high & endsSymbol) !== 0) {
      target[written] = high >>> symbolShift;
      written += 1;
    }
    entry = automaton[((high & 0xff) << 4) | (octet & 0xf)] as number;
    if ((entry & endsSymbol) !== 0) {
      target[written] = entry >>> symbolShift;
      written += 1;
    }
    if (((high | entry) & refused) !== 0) return 'a Huffman code with EOS in it';
  }
  return (entry & mayEnd) === 0 ? 'a Huffman code with bad padding' : written;
}
