import { test } from 'tap';
import { firstSettings, ourSettings, readSettings } from '../../../proxy/http2/settings.ts';

const setting = (name: number, value: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(name);
  bytes.writeUInt32BE(value, 2);
  return bytes;
};
const read = (...settings: readonly Buffer[]) => readSettings(Buffer.concat(settings), firstSettings);

void test('a value outside of its range ends the connection, with the code that the RFC names', (t) => {
  const ranges: readonly (readonly [number, readonly number[], readonly number[], string])[] = [
    [2, [0, 1], [2, 0xffff_ffff], 'PROTOCOL_ERROR'],
    [4, [0, 65_535, 0x7fff_ffff], [0x8000_0000, 0xffff_ffff], 'FLOW_CONTROL_ERROR'],
    [5, [16_384, 0xff_ffff], [0, 16_383, 0x100_0000], 'PROTOCOL_ERROR'],
    [9, [0, 1], [2], 'PROTOCOL_ERROR'],
    [1, [0, 0xffff_ffff], [], ''],
    [3, [0, 0xffff_ffff], [], ''],
    [6, [0, 0xffff_ffff], [], ''],
    [0, [0xffff_ffff], [], ''],
    [0xffff, [0xffff_ffff], [], ''],
  ];
  for (const [name, good, bad, code] of ranges) {
    for (const value of good) t.notOk('is' in read(setting(name, value)), `setting ${name} of ${value}`);
    for (const value of bad)
      t.match(read(setting(name, value)), { is: 'violation', code }, `setting ${name} of ${value}`);
  }
  t.end();
});

void test('the last of several counts, and what is not said stays as it was', (t) => {
  t.same(read(), firstSettings);
  t.same(read(setting(4, 1), setting(3, 7), setting(4, 2)), { initialWindow: 2 });
  t.same(readSettings(setting(3, 7), { initialWindow: 2 }), { initialWindow: 2 });
  t.end();
});

void test('one frame has 32 of them at most', (t) => {
  const many = (count: number) => read(...Array.from({ length: count }, () => setting(3, 1)));
  t.same(many(32), firstSettings);
  t.match(many(33), { is: 'violation', code: 'ENHANCE_YOUR_CALM' });
  t.end();
});

void test('ours say what we hold to', (t) => {
  const payload = ourSettings(7, 1000).subarray(9);
  const said = Array.from({ length: payload.length / 6 }, (_, at) => [
    payload.readUInt16BE(6 * at),
    payload.readUInt32BE(6 * at + 2),
  ]);
  t.same(said, [
    [3, 7],
    [6, 1000],
    [9, 1],
  ]);
  t.end();
});
