import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { said } from './said.ts';

test('to_number', async (t) => {
  const read = { '"1e3"': '1000', '".5"': '0.5', '"5."': '5', '"+5"': '5', '"-0"': '0', '"007"': '7' };
  for (const [text, number] of Object.entries(read)) t.equal(said('to_number', text), number, text);
  t.equal(said('to_number', '"123456789012345678901"'), '123456789012345678901');
  t.same(
    ['null', 'true', 'false', '2.5'].map((value) => said('to_number', value)),
    ['0', '1', '0', '2.5'],
  );
  for (const text of ['""', '" 1"', '"1 "', '"Inf"', '"nan"', '"0x10"', '"1_000"', '"1e400"', '"--1"', '[]']) {
    t.throws(() => said('to_number', text), BuiltinError, text);
  }
});

test('format_int cuts off what is behind the point', async (t) => {
  t.equal(said('format_int', '15.9, 16'), '"f"');
  t.equal(said('format_int', '-15.9, 16'), '"-f"');
  t.equal(said('format_int', '5, 2'), '"101"');
  t.equal(said('format_int', '18446744073709551617, 8'), '"2000000000000000000001"');
  t.throws(() => said('format_int', '5, 3'), BuiltinError);
});

test('ranges go either way, both ends included', async (t) => {
  t.equal(said('numbers.range', '1, 3'), '[1,2,3]');
  t.equal(said('numbers.range', '1, -1'), '[1,0,-1]');
  t.equal(said('numbers.range', '1, 1'), '[1]');
  t.equal(said('numbers.range', '9007199254740990, 9007199254740993').split(',').length, 4);
  t.equal(
    said('numbers.range', '9007199254740993, 9007199254740991'),
    '[9007199254740993,9007199254740992,9007199254740991]',
  );
  t.equal(said('numbers.range_step', '0, 10, 4'), '[0,4,8]');
  t.equal(said('numbers.range_step', '10, 0, 4'), '[10,6,2]');
  t.equal(said('numbers.range_step', '0, 10, 1e30'), '[0]');
  t.throws(() => said('numbers.range_step', '0, 10, 0'), BuiltinError);
  t.throws(() => said('numbers.range', '0, 1.5'), BuiltinError);
});

test("bits are those of integers of any size, in two's complement", async (t) => {
  t.equal(said('bits.and', '-1, 18446744073709551615'), '18446744073709551615');
  t.equal(said('bits.or', '6, 3'), '7');
  t.equal(said('bits.xor', '6, 3'), '5');
  t.equal(said('bits.negate', '5'), '-6');
  t.equal(said('bits.lsh', '1, 70'), '1180591620717411303424');
  t.equal(said('bits.lsh', '0, 1000000000'), '0');
  t.equal(said('bits.rsh', '-8, 1'), '-4');
  t.equal(said('bits.rsh', '8, 1000000000000000000000'), '0');
  for (const operands of ['1, -1', '1.5, 1', '"1", 1', '1, 1000000000']) {
    t.throws(() => said('bits.lsh', operands), BuiltinError, operands);
  }
});

test('quantities', async (t) => {
  const read = {
    '10Gi': '10737418240',
    '1.5M': '1500000',
    '1500m': '1.5',
    '1e3': '1000',
    '100mi': '104857600',
    '"1"K': '1000',
  };
  for (const [text, number] of Object.entries(read)) t.equal(said('units.parse', JSON.stringify(text)), number, text);
  t.equal(said('units.parse', '"0.12345678905"'), '0.1234567891', 'ten places, the last one rounded');
  t.equal(said('units.parse', '"-0.12345678905"'), '-0.1234567891');
  t.equal(said('units.parse', '"1e"'), '1000000000000000000', 'an exa, not an exponent');
  t.equal(said('units.parse', '"1e-999999"'), '0');
  t.equal(said('units.parse', '"0e999999"'), '0');
  const bytes = { '10kb': '10000', '1.5KiB': '1536', '1e-1k': '100', '-2.9': '-2', '5': '5', '.5mi': '524288' };
  for (const [text, number] of Object.entries(bytes))
    t.equal(said('units.parse_bytes', JSON.stringify(text)), number, text);
});

test('what is no quantity', async (t) => {
  for (const text of ['', 'Gi', '1 Gi', '1x', '1.2.3', '1-2', '1e1234567', '1e999999', '1b2', `1${'0'.repeat(1000)}`]) {
    t.throws(() => said('units.parse', JSON.stringify(text)), BuiltinError, text.slice(0, 20));
    t.throws(() => said('units.parse_bytes', JSON.stringify(text)), BuiltinError, text.slice(0, 20));
  }
  t.throws(() => said('units.parse_bytes', '"1b"'), BuiltinError);
});
