import { test } from 'tap';
import { BlockDecoder } from '../../../proxy/http2/hpack/decoder.ts';
import { ample, decodeOnce, hex, indexed, indexing, plainText, withoutIndexing } from './hpack-blocks.ts';

void test('both limits hold to the octet and to the field', (t) => {
  const block = Buffer.concat([withoutIndexing('name', 'value'), indexed(2), indexing('name', 'value')]);
  const bytes = 2 * (4 + 5 + 32) + (7 + 3 + 32);
  const fields = ['name', 'value', ':method', 'GET', 'name', 'value'];
  t.same(decodeOnce(block, { maxBytes: bytes, maxFields: 3 }), { kind: 'fields', fields });
  t.match(decodeOnce(block, { maxBytes: bytes - 1, maxFields: 3 }), { kind: 'too-large' });
  t.same(decodeOnce(block, { maxBytes: bytes, maxFields: 2 }), { kind: 'too-many', fields: fields.slice(0, 4) });
  t.match(decodeOnce(block, { maxBytes: 41, maxFields: 2 }), { kind: 'too-large' }, 'the second is too large already');
  t.match(decodeOnce(block, { maxBytes: bytes - 1, maxFields: 2 }), { kind: 'too-large' }, 'the third is both');
  t.match(
    decodeOnce(block, { maxBytes: 90, maxFields: 1 }),
    { kind: 'too-many' },
    'what came first, not what came too',
  );
  t.same(decodeOnce(hex(''), { maxBytes: 0, maxFields: 0 }), { kind: 'fields', fields: [] });
  t.end();
});

void test('a Huffman code counts by what it stands for', (t) => {
  const block = hex('0001 6190 0000 0000 0000 0000 0000 0000 0000 0007');
  const value = '0'.repeat(25);
  t.same(decodeOnce(block, { maxBytes: 1 + 25 + 32, maxFields: 1 }), { kind: 'fields', fields: ['a', value] });
  t.match(decodeOnce(block, { maxBytes: 1 + 24 + 32, maxFields: 1 }), { kind: 'too-large' });
  t.end();
});

void test('the table is in step behind a block of which nothing was kept', (t) => {
  const decoder = new BlockDecoder(4096);
  const first = Buffer.concat([
    indexing('first', '1'),
    withoutIndexing('x'.repeat(5000), 'y'),
    indexing('second', '2'),
  ]);
  t.match(decoder.decode(first, { maxBytes: 100, maxFields: 10 }), { kind: 'too-large' });
  const second = Buffer.concat([indexing('third', '3'), hex('7f00'), plainText('4')]);
  t.match(decoder.decode(second, { maxBytes: 1000, maxFields: 0 }), { kind: 'too-many' });
  t.same(decoder.decode(Buffer.concat([62, 63, 64, 65].map(indexed)), ample), {
    kind: 'fields',
    fields: ['second', '4', 'third', '3', 'second', '2', 'first', '1'],
  });
  t.equal(decoder.decode(indexed(66), ample).kind, 'broken');
  t.end();
});

void test('thousands of references to a large entry are over at once (CVE-2016-6581)', (t) => {
  const decoder = new BlockDecoder(4096);
  const entry = decoder.decode(indexing('a', 'v'.repeat(4000)), ample);
  t.equal(entry.kind, 'fields');
  const bomb = Buffer.alloc(30_000, indexed(62));
  t.match(decoder.decode(bomb, { maxBytes: 65_536, maxFields: 100_000 }), { kind: 'too-large' });
  t.match(decoder.decode(bomb, { maxBytes: 1e9, maxFields: 100 }), { kind: 'too-many' });
  t.end();
});

void test('thousands of references to an empty entry count 32 octets each (CVE-2026-49975)', (t) => {
  const decoder = new BlockDecoder(4096);
  t.equal(decoder.decode(indexing('', ''), ample).kind, 'fields');
  const bomb = Buffer.alloc(2049, indexed(62));
  t.match(decoder.decode(bomb, { maxBytes: 65_536, maxFields: 100_000 }), { kind: 'too-large' });
  const within = decoder.decode(bomb.subarray(1), { maxBytes: 65_536, maxFields: 100_000 });
  t.equal(within.kind === 'fields' && within.fields.length, 4096);
  t.end();
});

void test('a reference costs no copy of what it refers to', (t) => {
  const decoder = new BlockDecoder(4096);
  decoder.decode(indexing('a', 'v'.repeat(4000)), ample);
  const before = process.memoryUsage().heapUsed;
  const outcome = decoder.decode(Buffer.alloc(30_000, indexed(62)), { maxBytes: 1e9, maxFields: 100_000 });
  const grown = process.memoryUsage().heapUsed - before;
  // Kept are 60,000 pointers, and the list grows by doubling. Copies would be 120 MB.
  t.ok(grown < 20e6, `${grown} octets`);
  t.equal(outcome.kind === 'fields' && outcome.fields.length, 60_000);
  t.end();
});

void test('a text that is larger than the scratch memory, and a name and a value that fill it', (t) => {
  const zeros = (octets: number) => Buffer.alloc(octets);
  const coded = (octets: number) => Buffer.concat([lengthOf(octets), zeros(octets)]);
  const text = (octets: number) => '0'.repeat((octets * 8) / 5);
  for (const [name, value] of [
    [20_000, 5],
    [5, 20_000],
    [10_000, 10_000],
    [10_235, 5],
    [5, 10_240],
  ] as const) {
    const fields = [text(name), text(value)];
    t.same(decodeOnce(Buffer.concat([hex('00'), coded(name), coded(value)])), { kind: 'fields', fields });
  }
  t.end();
});

function lengthOf(octets: number): Buffer {
  const length = plainText('x'.repeat(octets)).subarray(0, -octets);
  length[0] = (length[0] as number) | 0x80;
  return length;
}

void test('nothing that was read holds the memory that it came in', (t) => {
  const decoder = new BlockDecoder(4096);
  const block = Buffer.concat([indexing('a-long-enough-name', 'a value that is long enough to be a slice')]);
  const outcome = decoder.decode(block, ample);
  block.fill(0x78);
  const fields = ['a-long-enough-name', 'a value that is long enough to be a slice'];
  t.same(outcome, { kind: 'fields', fields });
  t.same(decoder.decode(indexed(62), ample), { kind: 'fields', fields });
  t.end();
});
