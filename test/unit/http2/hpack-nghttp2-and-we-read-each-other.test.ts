import { test } from 'tap';
import { BlockDecoder, type DecodedBlock } from '../../../proxy/http2/hpack/decoder.ts';
import { encodeFields, noDynamicTable } from '../../../proxy/http2/hpack/encoder.ts';
import { below, seeded } from '../../harness/random.ts';
import { ample } from './hpack-blocks.ts';
import { exchange, nghttp2Client } from './nghttp2-client.ts';
import { randomFields } from './random-fields.ts';

const requests = 60;

/** The table that we announce, and the largest that the client is willing to use. */
const tables = [
  [4096, 4096],
  [0, 4096],
  [256, 4096],
  [65_536, 65_536],
  [65_536, 4096],
] as const;

for (const [tableBytes, most] of tables) {
  void test(`requests of nghttp2 with a table of ${tableBytes} and its own limit of ${most}`, async (t) => {
    const random = seeded(tableBytes + most);
    const decoder = new BlockDecoder(tableBytes);
    const decoded: DecodedBlock[] = [];
    const client = await nghttp2Client(
      t,
      ({ block }) => {
        decoded.push(decoder.decode(block, ample));
        return encodeFields([':status', '204']);
      },
      { tableBytes, client: { maxDeflateDynamicTableSize: most } },
    );
    const sent: string[][] = [];
    for (let request = 0; request < requests; request += 1) {
      const pseudo = [':method', 'GET', ':scheme', 'http', ':authority', 'a.example', ':path', `/${below(random, 3)}`];
      const fields = [...pseudo, ...randomFields(random, below(random, 40))];
      sent.push(fields);
      await exchange(client, fields);
    }
    t.same(
      decoded,
      sent.map((fields) => ({ kind: 'fields', fields })),
    );
  });
}

void test('a block of several CONTINUATION frames', async (t) => {
  const decoder = new BlockDecoder(4096);
  let decoded: DecodedBlock | undefined;
  const client = await nghttp2Client(t, ({ block }) => {
    decoded = decoder.decode(block, ample);
    return encodeFields([':status', '204']);
  });
  const pseudo = [':method', 'GET', ':scheme', 'http', ':authority', 'a.example', ':path', '/'];
  const fields = [...pseudo, ...Array.from({ length: 50 }, (_, n) => [`x-${n}`, `${n}`.repeat(500)]).flat()];
  await exchange(client, fields);
  t.same(decoded, { kind: 'fields', fields });
  t.ok(client.continuations() > 0);
});

void test('what we encode nghttp2 reads as it is', async (t) => {
  const random = seeded(2);
  const answers = Array.from({ length: requests }, (_, number) => [
    ':status',
    `${200 + number}`,
    'content-type',
    'text/plain',
    'set-cookie',
    'a=b',
    ...randomFields(random, below(random, 40)),
  ]);
  const decoder = new BlockDecoder(4096);
  let next = 0;
  const client = await nghttp2Client(
    t,
    () => {
      const block = encodeFields(answers[next] ?? []);
      next += 1;
      return next === 1 ? Buffer.concat([noDynamicTable, block]) : block;
    },
    // A table smaller than the 4,096 it began with: it insists on the update in front of the first block.
    { client: { settings: { headerTableSize: 100 } } },
  );
  const request = [':method', 'GET', ':scheme', 'http', ':authority', 'a.example', ':path', '/'];
  for (const fields of answers) {
    t.same(await exchange(client, request), fields);
    t.same(decoder.decode(encodeFields(fields), ample), { kind: 'fields', fields }, 'and so do we');
  }
});
