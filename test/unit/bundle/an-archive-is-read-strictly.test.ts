import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'tap';
import { bundleLimits } from '../../../policy/bundle/files.ts';
import { unpackBundle } from '../../../policy/bundle/read.ts';
import { readTar, TarError, writeTar } from '../../../policy/bundle/tar.ts';
import { archive, entry, opaBundle, packed, tarOf } from './archives.ts';

const unpack = (bytes: Uint8Array) => unpackBundle('b.tar.gz', bytes);

test('files come out under plain names', async (t) => {
  t.strictSame([...(await unpack(packed(opaBundle))).keys()], ['data.json', 'policy/p.rego', '.manifest']);
  const files = await unpack(
    archive(entry('./', { type: '5' }), entry('./a/b.rego', { body: 'x' }), entry('c', { body: '' })),
  );
  t.strictSame(
    [...files].map(([name, content]) => [name, content.length]),
    [
      ['a/b.rego', 1],
      ['c', 0],
    ],
  );
});

test('long names, by pax as Go writes them, by GNU, and by the prefix of ustar', async (t) => {
  const long = `${'d'.repeat(120)}/ü=1 2.rego`;
  // Three digits, a space, the text and the end of the line: the record says its own length.
  const record = (text: string) => `${Buffer.byteLength(text) + 5} ${text}\n`;
  const pax = entry('PaxHeaders.0/x', { type: 'x', body: record(`path=${long}`) });
  t.strictSame([...(await unpack(archive(pax, entry('short', { body: 'x' }), entry('next')))).keys()], [long, 'next']);
  const gnu = entry('././@LongLink', { type: 'L', body: `${long}\0` });
  t.strictSame([...(await unpack(archive(gnu, entry('short')))).keys()], [long]);
  const prefixed = entry('name.rego');
  prefixed.write('some/folder', 345);
  const sum = prefixed.fill(' ', 148, 156).reduce((total, byte) => total + byte, 0);
  prefixed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  t.strictSame([...(await unpack(archive(prefixed))).keys()], ['some/folder/name.rego']);
});

test('a long name is kept over other extended headers for the entry that it is for, and no further', async (t) => {
  const gnu = entry('././@LongLink', { type: 'L', body: 'roles/data.json\0' });
  const pax = entry('p', { type: 'x', body: '24 path=roles/data.json\n' });
  const time = entry('p', { type: 'x', body: '11 mtime=1\n' });
  const comment = entry('g', { type: 'g', body: '13 comment=z\n' });
  for (const headers of [
    [gnu, time],
    [time, gnu],
    [pax, comment],
    [comment, pax, comment, time],
  ]) {
    const files = await unpack(archive(...headers, entry('data.json'), entry('next')));
    t.strictSame([...files.keys()], ['roles/data.json', 'next']);
  }
});

const refused: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ['nothing', new Uint8Array(), /not a whole \.tar\.gz/],
  ['text', Buffer.from('hello'), /not a whole \.tar\.gz/],
  ['a gzip that is cut', packed(opaBundle).subarray(0, -10), /not a whole \.tar\.gz: unexpected end of file/],
  ['a gzip with a flipped bit', flipped(packed(opaBundle)), /not a whole \.tar\.gz/],
  ['a tar that is not packed', tarOf(opaBundle), /not a whole \.tar\.gz/],
  ['a tar without its end', gzipSync(entry('a')), /its end is missing/],
  ['a tar that is cut inside a file', gzipSync(entry('a', { body: 'x'.repeat(600) }).subarray(0, 700)), /a is cut off/],
  ['a header that is cut', gzipSync(entry('a').subarray(0, 300)), /its end is missing/],
  ['a checksum that is wrong', archive(changed(entry('a'), 3)), /does not match its checksum/],
  [
    'a size below zero, on which nanotar never ends',
    archive(entry('a', { size: '-0000000512' })),
    /a number that is none/,
  ],
  [
    'a size in base 256',
    archive(entry('a', { size: '\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01' })),
    /a number|checksum/,
  ],
  ['more after the end', archive(entry('a'), Buffer.alloc(1024), entry('b')), /something follows the end/],
  ['a hard link', archive(entry('a', { type: '1' })), /a is a hard link/],
  ['a symbolic link', archive(entry('a', { type: '2' })), /a is a symbolic link/],
  ['a device', archive(entry('a', { type: '4' })), /a is a block device/],
  ['a FIFO', archive(entry('a', { type: '6' })), /a is a FIFO/],
  ['a sparse file', archive(entry('a', { type: 'S' })), /an entry of type "S"/],
  ['a pax header that resizes', archive(entry('x', { type: 'x', body: '11 size=99\n' }), entry('a')), /sets size/],
  ['a pax path for all', archive(entry('g', { type: 'g', body: '10 path=a\n' }), entry('a')), /sets path/],
  [
    'two long names for one entry',
    archive(entry('x', { type: 'x', body: '10 path=a\n' }), entry('L', { type: 'L', body: 'b' }), entry('c')),
    /b has the name a already/,
  ],
  ['a pax record that lies', archive(entry('x', { type: 'x', body: '99 path=a\n' }), entry('a')), /is malformed/],
  ['a way out', archive(entry('../a')), /the name "\.\.\/a" is not a plain/],
  ['a way out from inside', archive(entry('a/../../b')), /is not a plain relative path/],
  ['an empty step', archive(entry('a//b')), /is not a plain relative path/],
  ['two slashes', archive(entry('//a')), /is not a plain relative path/],
  ['a backslash', archive(entry('a\\b')), /is not a plain relative path/],
  ['a control character', archive(entry('a\u001bb')), /is not a plain relative path/],
  ['a name that is not UTF-8', archive(changed(entry('a'), 0, 0xff)), /checksum|not UTF-8/],
  ['one file twice', archive(entry('a'), entry('/a')), /a is there twice/],
  ['a file and its twin behind ./', archive(entry('a'), entry('./a')), /a is there twice/],
];

for (const [what, bytes, says] of refused) {
  test(`refused: ${what}`, async (t) => {
    await t.rejects(unpack(bytes), { code: 'bundle-invalid', message: says });
  });
}

test('a bomb does not go off', async (t) => {
  const zeros = gzipSync(Buffer.concat([entry('data.json', { size: '01000000000' }), Buffer.alloc(2 ** 27)]));
  t.ok(zeros.length < 200_000);
  await t.rejects(unpack(zeros), { code: 'policy-too-large' });
  const many = gzipSync(Buffer.concat([...Array(bundleLimits.entries + 1).keys()].map((index) => entry(`f${index}`))));
  await t.rejects(unpack(many), { code: 'policy-too-large', message: /more than 10000 entries/ });
  const folders = gzipSync(Buffer.concat(Array(bundleLimits.entries + 1).fill(entry('d/', { type: '5' }))));
  await t.rejects(unpack(folders), { code: 'policy-too-large', message: /more than 10000 entries/ });
});

test('what is written is read back, byte for byte, and any damage is a TarError or other content', (t) => {
  const read = (bytes: Uint8Array) => {
    const found: [string, Buffer][] = [];
    readTar(bytes, { entry: () => undefined, file: (name, content) => found.push([name, Buffer.from(content)]) });
    return found;
  };
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 1200 }), { maxLength: 5 }),
      fc.nat(),
      fc.nat(255),
      (contents, at, byte) => {
        const files = contents.map((content, index) => [`folder/f${index}`, Buffer.from(content)] as const);
        const tar = writeTar(files);
        t.strictSame(read(tar), files);
        const damaged = Buffer.from(tar);
        damaged[at % tar.length] = byte;
        try {
          read(damaged);
        } catch (thrown) {
          t.ok(thrown instanceof TarError, String(thrown));
        }
      },
    ),
    { numRuns: 150 },
  );
  t.end();
});

function flipped(bytes: Uint8Array): Uint8Array {
  return changed(Buffer.from(bytes), Math.floor(bytes.length / 2));
}

function changed(bytes: Buffer, at: number, to = (bytes[at] ?? 0) ^ 0x55): Buffer {
  bytes[at] = to;
  return bytes;
}
