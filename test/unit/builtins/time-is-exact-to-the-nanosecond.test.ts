import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { findBuiltin } from '../../../policy/builtins/registry.ts';
import { integer } from '../../../policy/value/number.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call } from './call.ts';

const first = -(2n ** 63n);
const last = 2n ** 63n - 1n;
const anyNs = fc.bigInt({ min: first, max: last }).map(integer);

test('every int64 is formatted and read back to the same nanosecond', async () => {
  fc.assert(
    fc.property(
      anyNs,
      fc.constantFrom('UTC', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe'),
      (ns, zone) => {
        const text = call('time.format', [ns, zone, '2006-01-02T15:04:05.000000000Z07:00:00']) as string;
        return call('time.parse_ns', '2006-01-02T15:04:05.999999999Z07:00:00', text) === ns;
      },
    ),
  );
});

test('what an int64 does not hold is an error', async (t) => {
  t.equal(call('time.parse_rfc3339_ns', '1677-09-21T00:12:43.145224192Z'), first);
  t.equal(call('time.parse_rfc3339_ns', '2262-04-11T23:47:16.854775807Z'), last);
  t.throws(() => call('time.parse_rfc3339_ns', '1677-09-21T00:12:43.145224191Z'), BuiltinError);
  t.throws(() => call('time.parse_rfc3339_ns', '2262-04-11T23:47:16.854775808Z'), BuiltinError);
  for (const moment of [last + 1n, first - 1n, 1.5, 1e300, '0', null, [], ['0'], [0, 1], [0, 'UTC', 1]]) {
    for (const name of ['time.date', 'time.clock', 'time.weekday', 'time.format']) {
      t.throws(() => call(name, moment), BuiltinError, `${name} ${String(moment)}`);
    }
  }
});

test('small timestamps are plain numbers, as every other integer', async (t) => {
  t.equal(call('time.parse_rfc3339_ns', '1970-01-01T00:00:00.000000001Z'), 1);
  t.equal(findBuiltin('time.now_ns')?.({ unixMs: 1, charge: () => undefined }), 1_000_000);
  t.equal(findBuiltin('time.now_ns')?.({ unixMs: undefined, charge: () => undefined }), undefined);
});

test('dates are added by the calendar of the zone, and overflow is an error whatever is added', async (t) => {
  const added = (ns: Value, ...parts: Value[]) => call('time.add_date', ns, ...parts);
  t.equal(added(0, 0, 1, 30), 61 * 86_400_000_000_000, 'the 31st of February counts on');
  // A day before summer time began in New York, at noon; a day later it is noon again, 23 hours on.
  const noon = call('time.parse_rfc3339_ns', '2024-03-09T12:00:00-05:00') as bigint;
  t.equal(added([noon, 'America/New_York'], 0, 0, 1), noon + 23n * 3_600_000_000_000n);
  for (const many of [1e15, -1e15, 9_007_199_254_740_991, 292_000, -1_970, -1_920]) {
    t.throws(() => added(0, many, 0, 0), BuiltinError, `${many} years`);
  }
  t.throws(() => added(0, 0, 1e15, 1e15), BuiltinError);
  t.throws(() => added(first, 0, 0, -1), BuiltinError);
  t.throws(() => added(0, 1.5, 0, 0), BuiltinError);
});

test('a difference is of the calendar in the zone of the first', async (t) => {
  const at = (text: string) => call('time.parse_rfc3339_ns', text) as Value;
  t.same(call('time.diff', at('2024-03-01T00:00:00Z'), at('2024-02-02T00:00:00Z')), [0, 0, 28, 0, 0, 0]);
  t.same(call('time.diff', at('2020-12-31T23:59:59Z'), at('2021-01-01T00:00:00Z')), [0, 0, 0, 0, 0, 1]);
  t.same(
    call('time.diff', [at('2024-01-31T23:00:00Z'), 'Europe/Paris'], at('2024-02-29T23:30:00Z')),
    [0, 1, 0, 0, 30, 0],
  );
});

test('only names of the tz database are zones', async (t) => {
  t.same(call('time.clock', [0, 'Asia/Kathmandu']), [5, 30, 0]);
  t.same(call('time.clock', [0, 'US/Pacific']), [16, 0, 0], 'an old name');
  const wrong = ['../../etc/passwd', '/etc/passwd', 'Local', 'utc', 'europe/paris', '+05:00', 'Nope/Zone', 'UTC\0'];
  for (const zone of [...wrong, 'A'.repeat(100_000)]) {
    t.throws(() => call('time.clock', [0, zone]), BuiltinError, zone.slice(0, 40));
  }
});

test('layouts are those of Go', async (t) => {
  const ns = 1_670_006_453_141_828_752n;
  const formatted = (...more: Value[]) => call('time.format', [ns, ...more]);
  t.equal(call('time.format', ns), '2022-12-02T18:40:53.141828752Z');
  t.equal(formatted('Asia/Kolkata', 'RFC1123Z'), 'Sat, 03 Dec 2022 00:10:53 +0530');
  t.equal(formatted('UTC', 'Jan _2 06 3:04:05.00pm (002) MST'), 'Dec  2 22 6:40:53.14pm (336) UTC');
  t.equal(formatted('UTC', 'Jane yyyy-MM-dd'), 'Jane yyyy-MM-dd', 'what is no element is itself');
  t.throws(() => formatted('Europe/Paris', 'RFC1123'), BuiltinError, 'Intl does not know CET from GMT+1');
  t.equal(call('time.parse_ns', 'RFC822', '02 Jun 17 19:00 CEST'), 1_496_430_000_000_000_000n, 'as UTC, like Go');
  t.equal(call('time.parse_ns', '2006 002', '2024 366'), call('time.parse_ns', '2006-01-02', '2024-12-31'));
});

test('a date that there is not is no time', async (t) => {
  const dates = ['2023-02-29', '2024-13-01', '2024-00-10', '2024-01-32', '2024-1-01', ' 2024-01-01', '2024-01-01x', ''];
  for (const date of dates) t.throws(() => call('time.parse_ns', '2006-01-02', date), BuiltinError, date);
  for (const time of ['24:00:00Z', '23:60:00Z', '23:59:60Z', '23:59Z', '23:59:59', '23:59:59+0100', '23:59:59+25:00']) {
    t.throws(() => call('time.parse_rfc3339_ns', `2024-01-01T${time}`), BuiltinError, time);
  }
});

test('neither layout nor text can make reading slow', async (t) => {
  const started = process.cpuUsage().user;
  const zeros = `.${'0'.repeat(100_000)}1`;
  t.equal(call('time.format', [0, 'UTC', zeros]), zeros, 'digits on both sides make it no fraction');
  t.throws(() => call('time.parse_ns', '05', `${zeros} `), BuiltinError);
  t.equal(call('time.parse_ns', '2006 05', `1970 01.${'1'.repeat(100_000)}`), 1_111_111_111);
  t.ok(process.cpuUsage().user - started < 2_000_000);
});
