import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call, callWith, context } from './call.ts';
import { byHmac, token, unverified } from './tokens.ts';

const nowSeconds = Date.UTC(2026, 10, 23) / 1000;
const encode = (claims: object | string) => token({ header: { alg: 'HS256' }, claims }, byHmac('k'));
const judge = (claims: object | string, constraints: { [name: string]: Value } = {}) =>
  call('io.jwt.decode_verify', encode(claims), { secret: 'k', ...constraints });
const isVerified = (answer: Value | undefined) => Array.isArray(answer) && answer[0] === true;

test('the time is that of the request, to the second that is named', async (t) => {
  t.ok(isVerified(judge({ exp: nowSeconds + 1 })));
  t.same(judge({ exp: nowSeconds }), unverified, 'expired in the second it names');
  t.ok(isVerified(judge({ nbf: nowSeconds })));
  t.same(judge({ nbf: nowSeconds + 1 }), unverified);
  t.ok(isVerified(judge({ exp: 2 }, { time: 1_000_000_000 })), 'or the one that the policy names');
  t.same(judge({ exp: 2 }, { time: 2_000_000_000n }), unverified);
});

test('without a time nothing is verified', async (t) => {
  const timeless = context({ unixMs: undefined });
  t.throws(() => callWith(timeless, 'io.jwt.decode_verify', encode({}), { secret: 'k' }), BuiltinError);
});

test('times that are no numbers, or none that a double holds, fail the call', async (t) => {
  for (const claims of [
    '{"exp":1e400}',
    '{"exp":"9999999999"}',
    '{"exp":null}',
    '{"nbf":"0"}',
    '{"nbf":[0]}',
    '{"exp":-1e400}',
  ]) {
    t.throws(() => judge(claims), BuiltinError, claims);
  }
  for (const time of ['0', -1, null, [1]]) t.throws(() => judge({}, { time }), BuiltinError);
  t.ok(isVerified(judge(`{"exp":1${'0'.repeat(300)}}`)), 'a very distant end is one');
});

test('issuer and audience are strings that are equal', async (t) => {
  t.ok(isVerified(judge({ iss: 'a' }, { iss: 'a' })));
  for (const iss of [['a'], { a: 1 }, 'A', '', null]) t.same(judge({ iss }, { iss: 'a' }), unverified);
  t.same(judge({}, { iss: 'a' }), unverified);
  for (const aud of ['a', ['b', 'a']]) t.ok(isVerified(judge({ aud }, { aud: 'a' })));
  for (const aud of ['b', [], ['b'], [['a']], { a: 1 }, null, 1]) t.same(judge({ aud }, { aud: 'a' }), unverified);
  t.same(judge({}, { aud: 'a' }), unverified);
  t.same(judge({ aud: 'a' }), unverified, 'for an audience that nobody asked for');
});

test('constraints that are unknown, contradictory or of another type fail the call', async (t) => {
  const encoded = encode({});
  for (const constraints of [
    {},
    { secret: '' },
    { alg: 'HS256' },
    { secret: 'k', cert: '{"keys":[]}' },
    { secret: 1 },
    { secret: 'k', sub: 'a' },
    { secret: 'k', aud: ['a'] },
    { secret: 'k', iss: null },
  ]) {
    t.throws(() => call('io.jwt.decode_verify', encoded, constraints), BuiltinError, JSON.stringify(constraints));
  }
  t.throws(() => call('io.jwt.decode_verify', encoded, 'k'), BuiltinError);
});

test('a token in a token is verified at every level', async (t) => {
  const inner = token({ header: { alg: 'HS256' }, claims: { sub: 'inner' } }, byHmac('k'));
  const nested = (secret: string, payload = inner) =>
    token({ header: { alg: 'HS256', cty: 'JWT' }, claims: payload }, byHmac(secret));
  t.match(call('io.jwt.decode_verify', nested('k'), { secret: 'k' }), [true, { alg: 'HS256' }, { sub: 'inner' }]);
  t.same(call('io.jwt.decode_verify', nested('other'), { secret: 'k' }), unverified);
  const forged = token({ header: { alg: 'HS256' }, claims: { sub: 'inner' } }, byHmac('other'));
  t.same(call('io.jwt.decode_verify', nested('k', forged), { secret: 'k' }), unverified);
});
