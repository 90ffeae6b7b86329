import { test } from 'tap';
import { BlockDecoder } from '../../../proxy/http2/hpack/decoder.ts';
import { readInteger } from '../../../proxy/http2/hpack/integer.ts';
import {
  ample,
  decodeOnce,
  hex,
  indexed,
  indexing,
  integer,
  plainText,
  sizeUpdate,
  withoutIndexing,
} from './hpack-blocks.ts';

const unknownIndex = 'an index that is in no table';
const truncated = 'a header block that ends within a field';
const tooLarge = 'an integer that is too large';

const faults: readonly (readonly [what: string, block: Buffer, detail: string])[] = [
  ['index 0', hex('80'), unknownIndex],
  ['the first index of an empty dynamic table', hex('be'), unknownIndex],
  ['an index behind the only entry', Buffer.concat([indexing('a', 'b'), indexed(63)]), unknownIndex],
  ['the largest index', indexed(2 ** 31 - 1), unknownIndex],
  ['a name of no entry, indexing', Buffer.concat([hex('7e'), plainText('v')]), unknownIndex],
  ['a name of no entry, without indexing', Buffer.concat([hex('0f2f'), plainText('v')]), unknownIndex],
  ['a name of no entry, never indexed', Buffer.concat([hex('1f2f'), plainText('v')]), unknownIndex],
  ['an index of 2^31', hex('ff81ffffff07'), tooLarge],
  ['an index of six octets that is small', hex('ff808080808000'), tooLarge],
  ['a length of 2^63', hex('007f81ffffffffffffffff7f'), tooLarge],
  ['a length of 2^31 - 1', hex('007f80ffffff07'), truncated],
  ['a value longer than the block', hex('0001610562'), truncated],
  ['a table size beyond 4096', sizeUpdate(4097), 'a table size beyond what was announced'],
  [
    'a third size',
    Buffer.concat([sizeUpdate(0), sizeUpdate(1), sizeUpdate(2)]),
    'a third table size update in one block',
  ],
  ['a size behind a field', Buffer.concat([indexed(2), sizeUpdate(0)]), 'a table size update behind a field'],
  [
    'a size between fields',
    Buffer.concat([indexed(2), sizeUpdate(0), indexed(2)]),
    'a table size update behind a field',
  ],
];

for (const [what, block, detail] of faults) {
  void test(what, (t) => {
    t.same(decodeOnce(block), { kind: 'broken', detail });
    t.same(decodeOnce(block, { maxBytes: 0, maxFields: 0 }), { kind: 'broken', detail }, 'beyond the limits too');
    t.end();
  });
}

void test('the same nearly: what is still right', (t) => {
  const right: readonly (readonly [block: Buffer, fields: readonly string[]])[] = [
    [hex(''), []],
    [Buffer.concat([sizeUpdate(0), sizeUpdate(4096)]), []],
    [Buffer.concat([sizeUpdate(4096), indexed(2)]), [':method', 'GET']],
    [Buffer.concat([indexing('a', 'b'), indexed(62)]), ['a', 'b', 'a', 'b']],
    [hex('0000 00'), ['', '']],
    [hex('0080 80'), ['', '']],
  ];
  for (const [block, fields] of right) t.same(decodeOnce(block), { kind: 'fields', fields });
  const long = 'v'.repeat(127);
  t.same(decodeOnce(Buffer.concat([hex('0001617f8080808000'), Buffer.from(long)])), {
    kind: 'fields',
    fields: ['a', long],
  });
  t.end();
});

void test('an integer has at most five octets behind its prefix, and at most 2^31 - 1', (t) => {
  const read = (octets: string) => readInteger({ block: hex(octets), at: 0 }, 7);
  t.equal(read('7f80ffffff07'), 2 ** 31 - 1);
  t.equal(read('7f81ffffff07'), tooLarge);
  t.equal(read('7fffffffff7f'), tooLarge);
  t.equal(read('7f8080808000'), 127, 'padded with zeros as far as allowed');
  t.equal(read('7f808080808000'), tooLarge);
  t.equal(read('7f8080808080'), tooLarge, 'known before the next octet came');
  t.equal(read('7f80808080'), truncated);
  t.equal(read('7f'), truncated);
  t.equal(read(''), truncated);
  t.end();
});

void test('an integer that we write is read as it was, around each length that it can have', (t) => {
  const values = [0, 7, 14, 15, 16, 30, 31, 32, 126, 127, 128].flatMap((prefix) =>
    [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_456].map((more) => prefix + more),
  );
  for (const prefixBits of [4, 5, 6, 7]) {
    for (const value of [...values, 2 ** 31 - 1]) {
      const cursor = { block: integer(prefixBits, 0, value), at: 0 };
      const isRead = readInteger(cursor, prefixBits) === value && cursor.at === cursor.block.length;
      if (!isRead) t.fail(`${value} with a prefix of ${prefixBits} bits`);
    }
  }
  t.pass(`${values.length} numbers`);
  t.end();
});

const whole = [
  Buffer.concat([sizeUpdate(0), sizeUpdate(1337), indexing('custom-key', 'custom-value'), indexed(62), indexed(2)]),
  hex('8287 85 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf 4882 6402 5885 aec3 771a 4b'),
  Buffer.concat([withoutIndexing('n'.repeat(300), 'v'.repeat(200)), hex('1008 7061 7373 776f 7264 0673 6563 7265 74')]),
];

for (const [number, block] of whole.entries()) {
  void test(`block ${number} cut behind each octet is broken, or its first fields`, (t) => {
    const outcome = decodeOnce(block);
    if (outcome.kind !== 'fields') return t.bailout(`the whole block is ${outcome.kind}`);
    const ends = new Map<number, number>();
    for (let end = 0; end < block.length; end += 1) {
      const cut = decodeOnce(block.subarray(0, end));
      if (cut.kind === 'fields') {
        t.same(cut.fields, outcome.fields.slice(0, cut.fields.length));
        ends.set(cut.fields.length, end);
      } else {
        t.same(cut, { kind: 'broken', detail: truncated }, `${end} octets`);
      }
    }
    t.equal(ends.size, outcome.fields.length / 2, 'a block may end behind each field');
    return t.end();
  });
}

void test('after a fault there is nothing more to read, however right', (t) => {
  const decoder = new BlockDecoder(4096);
  const broken = { kind: 'broken', detail: unknownIndex };
  t.same(decoder.decode(hex('80'), ample), broken);
  t.same(decoder.decode(hex('82'), ample), broken);
  t.end();
});

void test('a table larger or smaller than the usual: the updates go as far as announced', (t) => {
  t.equal(new BlockDecoder(65_536).decode(sizeUpdate(65_536), ample).kind, 'fields');
  t.equal(new BlockDecoder(65_536).decode(sizeUpdate(65_537), ample).kind, 'broken');
  t.equal(new BlockDecoder(0).decode(sizeUpdate(0), ample).kind, 'fields');
  t.equal(new BlockDecoder(0).decode(sizeUpdate(1), ample).kind, 'broken');
  t.end();
});
