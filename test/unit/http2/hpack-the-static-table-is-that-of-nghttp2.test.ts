import { test } from 'tap';
import { encodeFields } from '../../../proxy/http2/hpack/encoder.ts';
import { lastStaticIndex, staticNames, staticValues } from '../../../proxy/http2/hpack/static-table.ts';
import { indexed, integer } from './hpack-blocks.ts';
import { exchange, nghttp2Client } from './nghttp2-client.ts';

/** Node sends none of these; it is where RFC 7541 Appendix A has it, or what follows would not be in its place. */
const connectionSpecific = 'transfer-encoding';
const firstField = 15;

void test('each field of the table is one octet to nghttp2, with the index that we have', async (t) => {
  const blocks: Buffer[] = [];
  const client = await nghttp2Client(t, ({ block }) => {
    blocks.push(block);
    return encodeFields([':status', '204']);
  });
  for (const [method, scheme, path] of [
    ['GET', 'http', '/'],
    ['POST', 'https', '/index.html'],
  ] as const) {
    await exchange(client, [':method', method, ':scheme', scheme, ':path', path, ':authority', '']);
  }
  const [first, second] = blocks.map((block) => block.toString('hex'));
  t.match(first, /82868481$/);
  t.equal(second, '83878581');

  const fields: string[] = [];
  const expected: Buffer[] = [];
  for (let index = firstField; index <= lastStaticIndex; index += 1) {
    const name = staticNames[index] as string;
    if (name === connectionSpecific) continue;
    fields.push(name, staticValues[index] as string);
    // nghttp2, too, never indexes these two.
    const isSecret = name === 'authorization' || name === 'cookie';
    expected.push(isSecret ? Buffer.concat([integer(4, 0x10, index), Buffer.of(0)]) : indexed(index));
  }
  await exchange(client, [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', '', ...fields]);
  t.equal(blocks[2]?.subarray(4).toString('hex'), Buffer.concat(expected).toString('hex'));
  t.equal(staticNames.length, 62);
  t.equal(staticNames[57], connectionSpecific);
});

void test('each status of the table is one octet that nghttp2 reads as that status', async (t) => {
  const codes = ['200', '204', '206', '304', '400', '404', '500'];
  const left = [...codes];
  const client = await nghttp2Client(t, () => {
    const block = encodeFields([':status', left.shift() ?? '']);
    t.equal(block.length, 1);
    return block;
  });
  for (const code of codes) {
    t.same(await exchange(client, [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'a']), [
      ':status',
      code,
    ]);
  }
});
