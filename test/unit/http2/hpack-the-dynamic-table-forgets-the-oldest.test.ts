import { test } from 'tap';
import { BlockDecoder } from '../../../proxy/http2/hpack/decoder.ts';
import { DynamicTable, sizeOf } from '../../../proxy/http2/hpack/dynamic-table.ts';
import { below, seeded } from '../../harness/random.ts';
import { ample, hex, indexed, indexing, plainText, sizeUpdate } from './hpack-blocks.ts';

function indices(decoder: BlockDecoder, count: number): readonly string[] | string {
  const outcome = decoder.decode(Buffer.concat(Array.from({ length: count }, (_, age) => indexed(62 + age))), ample);
  return outcome.kind === 'fields' ? outcome.fields : outcome.kind;
}

/** An entry of 100 octets. */
function hundred(name: string): Buffer {
  return indexing(name, 'v'.repeat(100 - 32 - name.length));
}

const value = 'v'.repeat(67);

void test('an entry counts 32 octets and its text, and the oldest makes room', (t) => {
  const decoder = new BlockDecoder(300);
  decoder.decode(Buffer.concat([hundred('a'), hundred('b'), hundred('c')]), ample);
  t.same(indices(decoder, 3), ['c', value, 'b', value, 'a', value], 'three fit to the octet');
  decoder.decode(indexing('d', ''), ample);
  t.same(indices(decoder, 3), ['d', '', 'c', value, 'b', value]);
  t.equal(indices(decoder, 4), 'broken');
  t.end();
});

void test('one that is larger than the table empties it, which is no error', (t) => {
  const decoder = new BlockDecoder(300);
  decoder.decode(Buffer.concat([hundred('a'), hundred('b')]), ample);
  const large = 'v'.repeat(268);
  t.same(decoder.decode(indexing('e', large), ample), { kind: 'fields', fields: ['e', large] });
  t.equal(indices(decoder, 1), 'broken');
  const exact = new BlockDecoder(300);
  exact.decode(indexing('e', large.slice(1)), ample);
  t.same(indices(exact, 1), ['e', large.slice(1)], 'one that is as large stays');
  t.end();
});

void test('a name may be that of an entry which its own field drives out (RFC 7541 4.4)', (t) => {
  const decoder = new BlockDecoder(100);
  decoder.decode(hundred('a'), ample);
  const again = 'w'.repeat(67);
  t.same(decoder.decode(Buffer.concat([hex('7e'), plainText(again)]), ample), { kind: 'fields', fields: ['a', again] });
  t.same(indices(decoder, 1), ['a', again]);
  t.end();
});

void test('a smaller table forgets at once, and a larger one does not remember again', (t) => {
  const decoder = new BlockDecoder(4096);
  decoder.decode(Buffer.concat([hundred('a'), hundred('b'), hundred('c')]), ample);
  decoder.decode(Buffer.concat([sizeUpdate(299), sizeUpdate(4096)]), ample);
  t.same(indices(decoder, 2), ['c', value, 'b', value]);
  decoder.decode(Buffer.concat([sizeUpdate(0), sizeUpdate(200), hundred('d')]), ample);
  t.same(indices(decoder, 1), ['d', value]);
  t.equal(indices(decoder, 2), 'broken');
  t.end();
});

void test('a client uses 4,096 until it says that it uses more', (t) => {
  const decoder = new BlockDecoder(8192);
  const half = (name: string) => indexing(name, 'v'.repeat(2048 - 33));
  decoder.decode(Buffer.concat([half('a'), half('b'), half('c')]), ample);
  decoder.decode(Buffer.concat([sizeUpdate(8192), half('d')]), ample);
  const read = indices(decoder, 3);
  t.same(typeof read === 'string' ? read : read.filter((text) => text.length === 1), ['d', 'c', 'b']);
  t.equal(indices(decoder, 4), 'broken');
  t.end();
});

void test('the ring says what a plain list would, and is never larger than its maximum', (t) => {
  const random = seeded(7541);
  let maximum = 4096;
  const table = new DynamicTable(maximum);
  let list: string[][] = [];
  const bytesOf = () => list.reduce((sum, [name = '', text = '']) => sum + sizeOf(name, text), 0);
  for (let round = 0; round < 5000; round += 1) {
    if (below(random, 50) === 0) {
      maximum = below(random, 4097);
      table.setMaximum(maximum);
    } else {
      const field = [`${round}`, 'v'.repeat(below(random, 10) === 0 ? below(random, 5000) : below(random, 40))];
      const [name = '', text = ''] = field;
      if (table.makeRoom(sizeOf(name, text))) table.add(name, text);
      list = [field, ...list];
    }
    while (bytesOf() > maximum) list.pop();
    const got = Array.from({ length: list.length + 1 }, (_, age) => [table.nameAt(age), table.valueAt(age)]);
    const same = list.every(([name, text], age) => got[age]?.[0] === name && got[age]?.[1] === text);
    if (!same || got[list.length]?.[0] !== undefined || table.bytes !== bytesOf()) return t.fail(`round ${round}`);
  }
  t.ok(table.bytes <= maximum);
  return t.end();
});
