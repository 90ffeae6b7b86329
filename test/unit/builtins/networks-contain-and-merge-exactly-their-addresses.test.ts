import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { sortedMembers } from '../../../policy/value/order.ts';
import { setOf } from '../../../policy/value/set.ts';
import type { RegoSet, Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const members = (set: Value | undefined) => sortedMembers(set as RegoSet);
const contains = (network: string, other: string) => call('net.cidr_contains', network, other);

test('an address means the same however it is written, and nothing is guessed', async (t) => {
  t.equal(contains('10.0.0.0/8', '10.255.255.255'), true);
  t.equal(contains('10.0.0.0/8', '::ffff:10.1.2.3'), true);
  t.equal(contains('10.0.0.0/8', '11.0.0.0'), false);
  t.equal(contains('2001:db8::/32', '2001:DB8:FFFF::'), true);
  t.equal(contains('::/0', '10.0.0.1'), false, 'no network of IPv6 contains IPv4');
  t.equal(contains('::/80', '::1.2.3.4/96'), true, 'which is not ::ffff:1.2.3.4');
  // Octal, hexadecimal, short and long forms bypassed filters in many libraries: CVE-2021-28918, CVE-2021-29921.
  const dubious = ['010.0.0.1', '0x0a.0.0.1', '10.1', '167772161', ' 10.0.0.1', '10.0.0.1 ', '10.0.0.256', '10.0.0.1.'];
  const notIpv6 = ['fe80::1%eth0', '1::2::3', '00001::', ':::', '1:2:3:4:5:6:7', '::01.2.3.4', '', 'a'.repeat(100_000)];
  for (const text of [...dubious, ...notIpv6])
    t.throws(() => contains('10.0.0.0/8', text), BuiltinError, text.slice(0, 40));
  for (const cidr of ['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/+8', '::/129', '10.0.0.0/8/8']) {
    t.equal(call('net.cidr_is_valid', cidr), false, cidr);
    t.throws(() => contains(cidr, '10.0.0.1'), BuiltinError, cidr);
  }
  t.equal(call('net.cidr_is_valid', '10.1.2.3/08'), true, 'as Go reads it');
  t.equal(call('net.cidr_is_valid', 1), false);
});

test('matches name their places: index, key or the element', async (t) => {
  const found = call('net.cidr_contains_matches', { a: '10.0.0.0/8', b: ['11.0.0.0/8', 'note'] }, [
    '11.1.1.1',
    ['10.1.1.1', 1],
  ]);
  t.same(members(found), [
    ['a', 1],
    ['b', 0],
  ]);
  const elements = call('net.cidr_contains_matches', '1.0.0.0/8', setOf(['1.1.1.1']));
  t.same(members(elements), [['1.0.0.0/8', '1.1.1.1']]);
  t.same(members(call('net.cidr_contains_matches', ['nonsense'], [])), [], 'what is compared with nothing is not read');
  t.throws(() => call('net.cidr_contains_matches', [[]], []), BuiltinError);
  t.throws(() => call('net.cidr_contains_matches', ['10.0.0.0/8'], [1]), BuiltinError);
});

test('an expansion is paid for before it is made', async (t) => {
  t.same(members(call('net.cidr_expand', '10.0.0.254/30')), ['10.0.0.252', '10.0.0.253', '10.0.0.254', '10.0.0.255']);
  t.same(members(call('net.cidr_expand', '2001:db8::1:0:0:ff/127')), ['2001:db8::1:0:0:fe', '2001:db8::1:0:0:ff']);
  for (const cidr of ['10.0.0.0/8', '0.0.0.0/0', '::/0']) {
    t.throws(() => callWith(budget(), 'net.cidr_expand', cidr), EvaluationError, cidr);
  }
});

test('merging joins what touches, and leaves alone what does not', async (t) => {
  const merged = (...networks: string[]) => members(call('net.cidr_merge', networks));
  t.same(merged('192.0.128.0/24', '192.0.129.0/24'), ['192.0.128.0/23']);
  t.same(merged('10.0.0.0/24', '10.0.2.0/24'), ['10.0.0.0/24', '10.0.2.0/24']);
  t.same(merged('10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8'), ['10.0.0.0/8']);
  t.same(merged('2001:db8::/33', '2001:db8:8000::/33'), ['2001:db8::/32']);
  t.same(merged('10.1.2.3'), ['10.1.2.3/8'], 'an address alone has the network of its class');
  t.same(merged(), []);
  t.throws(() => merged('2001:db8::1'), BuiltinError);
  t.throws(() => call('net.cidr_merge', '10.0.0.0/8'), BuiltinError);
  t.throws(() => call('net.cidr_merge', [1]), BuiltinError);
});

test('a merged list holds the same addresses, once, in as few networks as there can be', async () => {
  const network = fc
    .tuple(fc.nat({ max: 63 }), fc.integer({ min: 26, max: 32 }))
    .map(([last, prefix]) => `10.0.0.${last}/${prefix}`);
  const addresses = Array.from({ length: 64 }, (_, i) => `10.0.0.${i}`);
  fc.assert(
    fc.property(fc.array(network, { maxLength: 8 }), (networks) => {
      const merged = members(call('net.cidr_merge', networks)) as string[];
      const count = (list: readonly string[], address: string) => list.filter((cidr) => contains(cidr, address)).length;
      const same = addresses.every((address) => count(merged, address) === Math.min(1, count(networks, address)));
      const again = members(call('net.cidr_merge', merged)) as string[];
      return same && again.length === merged.length && merged.length <= networks.length;
    }),
  );
});

test('a hundred thousand networks cost what they cost, and no more than the budget', async (t) => {
  const many = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`);
  t.throws(() => callWith(budget(), 'net.cidr_merge', many), EvaluationError);
  t.throws(() => callWith(budget(), 'net.cidr_contains_matches', many, many), EvaluationError);
  t.equal(members(call('net.cidr_merge', many.slice(0, 4_096))).length, 1);
});
