import { test } from 'tap';
import { BlockDecoder } from '../../../proxy/http2/hpack/decoder.ts';
import { readInteger, writeInteger } from '../../../proxy/http2/hpack/integer.ts';
import { ample, decodeOnce, hex, indexed } from './hpack-blocks.ts';

void test('C.1: integers', (t) => {
  const examples: readonly [prefixBits: number, octets: string, value: number][] = [
    [5, '0a', 10],
    [5, '1f9a0a', 1337],
    [7, '2a', 42],
  ];
  for (const [prefixBits, octets, value] of examples) {
    const cursor = { block: hex(octets), at: 0 };
    t.equal(readInteger(cursor, prefixBits), value);
    t.equal(cursor.at, cursor.block.length);
    const written = Buffer.alloc(6);
    t.equal(written.toString('hex', 0, writeInteger(written, 0, prefixBits, 0, value)), octets);
  }
  t.end();
});

void test('C.2: one field in each of its forms', (t) => {
  const examples: readonly [block: string, fields: readonly string[], afterwards: readonly string[] | undefined][] = [
    [
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      ['custom-key', 'custom-header'],
      ['custom-key', 'custom-header'],
    ],
    ['040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path'], undefined],
    ['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret'], undefined],
    ['82', [':method', 'GET'], undefined],
  ];
  for (const [block, fields, afterwards] of examples) {
    const decoder = new BlockDecoder(4096);
    t.same(decoder.decode(hex(block), ample), { kind: 'fields', fields });
    const newest = decoder.decode(indexed(62), ample);
    if (afterwards === undefined) t.equal(newest.kind, 'broken', 'nothing was put into the table');
    else t.same(newest, { kind: 'fields', fields: afterwards });
  }
  t.end();
});

const get = [':method', 'GET'];
const example = [':authority', 'www.example.com'];
const first = [...get, ':scheme', 'http', ':path', '/', ...example];
const second = [...first, 'cache-control', 'no-cache'];
const third = [...get, ':scheme', 'https', ':path', '/index.html', ...example, 'custom-key', 'custom-value'];

const date21 = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const date22 = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const privately = ['cache-control', 'private'];
const location = ['location', 'https://www.example.com'];
const cookie = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const answers: readonly (readonly string[])[] = [
  [':status', '302', ...privately, ...date21, ...location],
  [':status', '307', ...privately, ...date21, ...location],
  [':status', '200', ...privately, ...date22, ...location, 'content-encoding', 'gzip', ...cookie],
];

const sequences: readonly {
  readonly section: string;
  readonly tableBytes: number;
  readonly blocks: readonly string[];
  readonly fields: readonly (readonly string[])[];
  /** The table at the end, the newest first. */
  readonly table: readonly (readonly string[])[];
}[] = [
  {
    section: 'C.3: requests without Huffman code',
    tableBytes: 4096,
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    fields: [first, second, third],
    table: [['custom-key', 'custom-value'], ['cache-control', 'no-cache'], example],
  },
  {
    section: 'C.4: requests with Huffman code',
    tableBytes: 4096,
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    fields: [first, second, third],
    table: [['custom-key', 'custom-value'], ['cache-control', 'no-cache'], example],
  },
  {
    section: 'C.5: answers without Huffman code, with evictions',
    tableBytes: 256,
    blocks: [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e
       1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d
       4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572
       7369 6f6e 3d31`,
    ],
    fields: answers,
    table: [cookie, ['content-encoding', 'gzip'], date22],
  },
  {
    section: 'C.6: answers with Huffman code, with evictions',
    tableBytes: 256,
    blocks: [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
       97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
       cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    fields: answers,
    table: [cookie, ['content-encoding', 'gzip'], date22],
  },
];

for (const { section, tableBytes, blocks, fields, table } of sequences) {
  void test(section, (t) => {
    const decoder = new BlockDecoder(tableBytes);
    const read = blocks.map((block) => decoder.decode(hex(block), ample));
    t.same(
      read,
      fields.map((list) => ({ kind: 'fields', fields: list })),
    );
    for (const [age, fields] of table.entries()) {
      t.same(decoder.decode(indexed(62 + age), ample), { kind: 'fields', fields });
    }
    t.equal(decoder.decode(indexed(62 + table.length), ample).kind, 'broken', 'no more than these');
    t.end();
  });
}

void test('the static table ends at 61', (t) => {
  t.same(decodeOnce(indexed(1)), { kind: 'fields', fields: [':authority', ''] });
  t.same(decodeOnce(indexed(14)), { kind: 'fields', fields: [':status', '500'] });
  t.same(decodeOnce(indexed(16)), { kind: 'fields', fields: ['accept-encoding', 'gzip, deflate'] });
  t.same(decodeOnce(indexed(61)), { kind: 'fields', fields: ['www-authenticate', ''] });
  t.equal(decodeOnce(indexed(62)).kind, 'broken');
  t.end();
});
