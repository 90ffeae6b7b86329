import fc from 'fast-check';
import { type Test, test } from 'tap';
import { BlockDecoder, type DecodedBlock } from '../../../proxy/http2/hpack/decoder.ts';
import { encodeFields } from '../../../proxy/http2/hpack/encoder.ts';
import { below, type Random, seeded } from '../../harness/random.ts';
import { hex, indexed, indexing, sizeUpdate, withoutIndexing } from './hpack-blocks.ts';
import { exchange, nghttp2Client } from './nghttp2-client.ts';
import { randomFields } from './random-fields.ts';

const limits = { maxBytes: 4000, maxFields: 30 };

function isWithinLimits(outcome: DecodedBlock): boolean {
  if (outcome.kind !== 'fields') return true;
  const { fields } = outcome;
  const bytes = fields.reduce((sum, text) => sum + text.length + 16, 0);
  return fields.length % 2 === 0 && bytes <= limits.maxBytes && fields.length <= 2 * limits.maxFields;
}

void test('random octets', (t) => {
  const block = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.array(block, { maxLength: 5 }), (blocks) => {
      const decoder = new BlockDecoder(4096);
      return blocks.every((octets) => isWithinLimits(decoder.decode(Buffer.from(octets), limits)));
    }),
    { numRuns: 5000, seed: 1 },
  );
  t.end();
});

/** Blocks of several connections, each in its order. */
async function realBlocks(t: Test, random: Random): Promise<Buffer[]> {
  const blocks: Buffer[] = [];
  const client = await nghttp2Client(t, ({ block }) => {
    blocks.push(block);
    return encodeFields([':status', '204']);
  });
  const pseudo = [':method', 'GET', ':scheme', 'http', ':authority', 'a.example', ':path', '/'];
  for (let count = 0; count < 20; count += 1) {
    await exchange(client, [...pseudo, ...randomFields(random, below(random, 20))]);
  }
  return blocks;
}

const byHand = Buffer.concat([
  sizeUpdate(100),
  indexing('a', 'b'),
  indexed(62),
  withoutIndexing('c', 'd'),
  hex('4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf 1008 7061 7373 776f 7264 0673 6563 7265 74'),
]);

function mutated(random: Random, block: Buffer): Buffer {
  const copy = Buffer.from(block);
  const at = below(random, copy.length + 1);
  const kind = below(random, 4);
  if (kind === 0) return copy.subarray(0, at);
  if (kind === 1) return Buffer.concat([copy.subarray(0, at), Buffer.of(below(random, 256)), copy.subarray(at)]);
  if (kind === 2) return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + below(random, 4))]);
  for (let flips = below(random, 4); flips >= 0; flips -= 1) {
    const place = below(random, copy.length);
    copy[place] = (copy[place] ?? 0) ^ (1 << below(random, 8));
  }
  return copy;
}

void test('what mutation makes of real blocks', async (t) => {
  const random = seeded(7541);
  const blocks = [byHand, ...(await realBlocks(t, random))];
  const kinds = new Map<string, number>();
  for (let round = 0; round < 2000; round += 1) {
    const decoder = new BlockDecoder(4096);
    for (const block of blocks) {
      const outcome = decoder.decode(below(random, 4) === 0 ? mutated(random, block) : block, limits);
      kinds.set(outcome.kind, (kinds.get(outcome.kind) ?? 0) + 1);
      if (!isWithinLimits(outcome)) t.fail(`round ${round}: ${block.toString('hex')}`);
      if (outcome.kind === 'broken') break;
    }
  }
  t.ok(kinds.get('broken') && kinds.get('fields'), 'some can be read, and some cannot');
});
