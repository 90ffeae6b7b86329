import { test } from 'tap';
import { encodeFields, noDynamicTable } from '../../../proxy/http2/hpack/encoder.ts';
import { BlockDecoder } from '../../../proxy/http2/hpack/decoder.ts';
import { ample, hex, plainText, sizeUpdate } from './hpack-blocks.ts';

void test('each field in the form that it has to have', (t) => {
  const forms: readonly (readonly [name: string, value: string, block: Buffer])[] = [
    [':status', '200', hex('88')],
    [':status', '500', hex('8e')],
    ['accept-encoding', 'gzip, deflate', hex('90')],
    ['server', '', hex('b6')],
    [':status', '403', Buffer.concat([hex('08'), plainText('403')])],
    ['content-type', 'text/plain', Buffer.concat([hex('0f10'), plainText('text/plain')])],
    ['x-own', 'value', Buffer.concat([hex('00'), plainText('x-own'), plainText('value')])],
    ['x-own', '', Buffer.concat([hex('00'), plainText('x-own'), hex('00')])],
    ['authorization', 'Bearer t', Buffer.concat([hex('1f08'), plainText('Bearer t')])],
    ['cookie', 'a=b', Buffer.concat([hex('1f11'), plainText('a=b')])],
    ['set-cookie', 'a=b', Buffer.concat([hex('1f28'), plainText('a=b')])],
    ['set-cookie', '', hex('1f2800')],
    ['x', 'v'.repeat(127), Buffer.concat([hex('00017 8'.replace(' ', '')), hex('7f00'), Buffer.from('v'.repeat(127))])],
    ['x', '\xe9\xff', hex('000178 02e9ff')],
  ];
  for (const [name, value, block] of forms) {
    t.equal(encodeFields([name, value]).toString('hex'), block.toString('hex'), `${name}: ${value}`);
  }
  t.same(
    encodeFields(forms.flatMap(([name, value]) => [name, value])),
    Buffer.concat(forms.map(([, , block]) => block)),
  );
  t.equal(encodeFields([]).length, 0);
  t.end();
});

void test('the update in front of the first block is that to a table of no size', (t) => {
  t.same(noDynamicTable, sizeUpdate(0));
  t.equal(new BlockDecoder(4096).decode(noDynamicTable, ample).kind, 'fields');
  t.end();
});

void test('a text as long as can be', (t) => {
  const fields = ['x'.repeat(300_000), 'v'.repeat(3_000_000)];
  const outcome = new BlockDecoder(4096).decode(encodeFields(fields), { maxBytes: 1e7, maxFields: 1 });
  t.ok(outcome.kind === 'fields' && outcome.fields.every((text, index) => text === fields[index]));
  t.end();
});
