import type { KeyObject } from 'node:crypto';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call, stepsOf } from './call.ts';
import { ec, ed, rsa } from './tokens.ts';

const keyOf = (pair: { readonly privateKey: KeyObject }) =>
  pair.privateKey.export({ format: 'jwk' }) as { [name: string]: string };
const secret = { kty: 'oct', k: 'a2V5' };

test('HS, RS and EdDSA give one token for one input', async (t) => {
  for (const [alg, key] of [
    ['HS256', secret],
    ['RS256', keyOf(rsa)],
    ['EdDSA', keyOf(ed)],
  ] as const) {
    const signed = call('io.jwt.encode_sign', { alg }, { sub: 'a' }, key);
    t.equal(call('io.jwt.encode_sign', { alg }, { sub: 'a' }, key), signed, alg);
    const raw = call('io.jwt.encode_sign_raw', `{"alg":"${alg}"}`, '{"sub":"a"}', JSON.stringify(key));
    t.equal(raw, signed, alg);
  }
});

test('ES and PS are refused: their signatures are drawn by chance', async (t) => {
  for (const [alg, key] of [
    ['ES256', keyOf(ec)],
    ['PS256', keyOf(rsa)],
  ] as const) {
    t.throws(() => call('io.jwt.encode_sign', { alg }, {}, key), { message: /by chance/ });
  }
});

test('what is signed is written as Go writes JSON', async (t) => {
  const signed = call('io.jwt.encode_sign', { alg: 'HS256' }, { b: '<&>\u2028', a: 9007199254740993n }, secret);
  const payload = Buffer.from((signed as string).split('.')[1] ?? '', 'base64url').toString();
  t.equal(payload, '{"a":9007199254740993,"b":"\\u003c\\u0026\\u003e\\u2028"}');
});

test('a key of another family, an unknown algorithm, and what is no JSON fail the call', async (t) => {
  for (const [header, payload, key] of [
    [{ alg: 'RS256' }, {}, secret],
    [{ alg: 'HS256' }, {}, keyOf(rsa)],
    [{ alg: 'HS256' }, {}, { kty: 'oct', k: '' }],
    [{ alg: 'EdDSA' }, {}, keyOf(ec)],
    [{ alg: 'none' }, {}, secret],
    [{}, {}, secret],
    [{ alg: 'HS256' }, {}, { keys: [] }],
    [{ alg: 'RS256' }, {}, JSON.parse(JSON.stringify(rsa.publicKey.export({ format: 'jwk' })))],
  ] as const) {
    t.throws(() => call('io.jwt.encode_sign', header, payload, key), BuiltinError);
  }
  const key = JSON.stringify(secret);
  t.throws(() => call('io.jwt.encode_sign_raw', '{"alg":"HS256"}', 'no json', key), BuiltinError);
  t.type(call('io.jwt.encode_sign_raw', '{"alg":"HS256","typ":"text"}', 'no json', key), 'string');
});

test('a signature by RSA is paid for', async (t) => {
  t.ok(stepsOf('io.jwt.encode_sign', { alg: 'RS256' }, {}, keyOf(rsa)) > 5000);
});
