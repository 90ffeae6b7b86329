import { test } from 'tap';
import { huffmanLengths } from '../../../proxy/http2/hpack/huffman-lengths.ts';
import { decodeOnce, integer } from './hpack-blocks.ts';

/** The bits as a Huffman-coded value of the field `a`. */
function value(bits: string): Buffer {
  const octets = (bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2));
  return Buffer.concat([Buffer.of(0x00, 0x01, 0x61), integer(7, 0x80, octets.length), Buffer.from(octets)]);
}

function padded(bits: string, more = 0): string {
  return bits + '1'.repeat(((8 - (bits.length % 8)) % 8) + more);
}

function bitsOf(code: number, length: number): string {
  return code.toString(2).padStart(length, '0');
}

/** From the table of RFC 7541 Appendix B: the first and the last code of each length, and those of controls. */
const codes: readonly (readonly [symbol: number, code: number, length: number])[] = [
  [0x30, 0x0, 5],
  [0x74, 0x9, 5],
  [0x20, 0x14, 6],
  [0x75, 0x2d, 6],
  [0x3a, 0x5c, 7],
  [0x7a, 0x7b, 7],
  [0x26, 0xf8, 8],
  [0x5a, 0xfd, 8],
  [0x21, 0x3f8, 10],
  [0x3f, 0x3fc, 10],
  [0x27, 0x7fa, 11],
  [0x7c, 0x7fc, 11],
  [0x23, 0xffa, 12],
  [0x3e, 0xffb, 12],
  [0x00, 0x1ff8, 13],
  [0x7e, 0x1ffd, 13],
  [0x5e, 0x3ffc, 14],
  [0x7d, 0x3ffd, 14],
  [0x3c, 0x7ffc, 15],
  [0x7b, 0x7ffe, 15],
  [0x5c, 0x7fff0, 19],
  [0xd0, 0x7fff2, 19],
  [0x80, 0xfffe6, 20],
  [0xe2, 0xfffed, 20],
  [0x99, 0x1fffdc, 21],
  [0x81, 0x3fffd2, 22],
  [0x01, 0x7fffd8, 23],
  [0x09, 0xffffea, 24],
  [0xed, 0xfffff5, 24],
  [0xc7, 0x1ffffec, 25],
  [0xc0, 0x3ffffe0, 26],
  [0xff, 0x3ffffee, 26],
  [0xcb, 0x7ffffde, 27],
  [0x02, 0xfffffe2, 28],
  [0xf9, 0xffffffe, 28],
  [0x0a, 0x3ffffffc, 30],
  [0x0d, 0x3ffffffd, 30],
  [0x16, 0x3ffffffe, 30],
];

void test('the codes of Appendix B, alone and among others', (t) => {
  for (const [symbol, code, length] of codes) {
    const bits = bitsOf(code, length);
    const character = String.fromCharCode(symbol);
    t.same(decodeOnce(value(padded(bits))), { kind: 'fields', fields: ['a', character] }, `0x${symbol.toString(16)}`);
    const among = padded(`00011${bits}00100${bits}${bits}`);
    t.same(decodeOnce(value(among)), { kind: 'fields', fields: ['a', `a${character}c${character}${character}`] });
  }
  t.end();
});

void test('the code is complete: no bits are without a meaning (Kraft)', (t) => {
  t.equal(huffmanLengths.length, 257);
  t.equal(
    huffmanLengths.reduce((sum, length) => sum + 2 ** -length, 0),
    1,
  );
  t.end();
});

const badPadding = { kind: 'broken', detail: 'a Huffman code with bad padding' };
const withEos = { kind: 'broken', detail: 'a Huffman code with EOS in it' };

void test('padding is ones only, and less than an octet', (t) => {
  const a = bitsOf(0x3, 5);
  t.equal(decodeOnce(value(padded(a))).kind, 'fields', 'three ones');
  for (const padding of ['000', '001', '010', '011', '100', '101', '110']) {
    t.same(decodeOnce(value(a + padding)), badPadding, padding);
  }
  t.same(decodeOnce(value(padded(a, 8))), badPadding, '11 ones');
  t.same(decodeOnce(value('11111111')), badPadding, 'nothing but padding');
  const ampersand = bitsOf(0xf8, 8);
  t.equal(decodeOnce(value(ampersand)).kind, 'fields', 'no padding');
  t.same(decodeOnce(value(padded(ampersand, 8))), badPadding, 'eight ones');
  const colonAndSpace = bitsOf(0x5c, 7) + bitsOf(0x14, 6) + bitsOf(0x14, 6) + bitsOf(0x14, 6);
  t.equal(decodeOnce(value(padded(colonAndSpace))).kind, 'fields', 'seven ones');
  t.same(decodeOnce(value(`${bitsOf(0x5c, 7)}0`)), badPadding, 'a zero');
  t.end();
});

void test('EOS is refused, wherever it begins and whatever follows', (t) => {
  const eos = '1'.repeat(30);
  for (let before = 0; before < 8; before += 1) {
    const bits = '00000'.repeat(before) + eos;
    t.same(decodeOnce(value(padded(bits, 0))), withEos, `behind ${before} zeros`);
    t.same(decodeOnce(value(padded(`${bits}00000`))), withEos, 'and a zero behind it');
  }
  t.end();
});

void test('it counts as broken in what would not be kept, too', (t) => {
  t.same(decodeOnce(value('11111111'), { maxBytes: 0, maxFields: 0 }), badPadding);
  t.same(decodeOnce(value('1'.repeat(32)), { maxBytes: 0, maxFields: 0 }), withEos);
  t.end();
});
