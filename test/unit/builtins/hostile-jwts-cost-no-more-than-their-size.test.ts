import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call, stepsOf } from './call.ts';
import { byHmac, byRsa, jwk, pem, rsa, token } from './tokens.ts';

const part = (text: string) => Buffer.from(text).toString('base64url');
const good = token({ header: { alg: 'HS256' } }, byHmac('k'));

test('what is no token fails the call', async (t) => {
  const [header, payload, signature] = good.split('.') as [string, string, string];
  for (const encoded of [
    '',
    '.',
    '..',
    header,
    `${header}.${payload}`,
    `${good}.${signature}`,
    `${good}.a.b`,
    '.'.repeat(1_000_000),
    `${header}+.${payload}.${signature}`,
    `${part('[]')}.${payload}.${signature}`,
    `${part('{"alg":"HS256","enc":"A128GCM"}')}.${payload}.${signature}`,
    `${part('{"alg":1}')}.${payload}.${signature}`,
    `${part(`{"alg":"HS256","x":${'['.repeat(300_000)}`)}.${payload}.${signature}`,
    `${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.${payload}.${signature}`,
    `${part('\ufeff{"alg":"HS256"}')}.${payload}.${signature}`,
  ]) {
    t.throws(() => call('io.jwt.decode_verify', encoded, { secret: 'k' }), BuiltinError, encoded.slice(0, 60));
  }
  for (const operand of [null, 1, ['a']]) t.throws(() => call('io.jwt.decode', operand), BuiltinError);
});

test('padding may be there, when it is right', async (t) => {
  const [header, payload, signature] = good.split('.') as [string, string, string];
  const pad = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, '=');
  t.match(call('io.jwt.decode', `${pad(header)}.${pad(payload)}.${pad(signature)}`), [{ alg: 'HS256' }]);
  t.throws(() => call('io.jwt.decode', `${header}=.${payload}.${signature}===`), BuiltinError);
});

test('a header of a megabyte, and a token in a token in a token, are read in no time', async (t) => {
  const large = token({ header: { alg: 'HS256', x: 'y'.repeat(1_000_000) } }, byHmac('k'));
  t.match(call('io.jwt.decode_verify', large, { secret: 'k' }), [true, { alg: 'HS256' }, { sub: 'a' }]);
  let nested = good;
  for (let i = 0; i < 25; i++) nested = token({ header: { alg: 'HS256', cty: 'JWT' }, claims: nested }, byHmac('k'));
  t.match(call('io.jwt.decode_verify', nested, { secret: 'k' }), [true, { alg: 'HS256' }, { sub: 'a' }]);
  t.match(call('io.jwt.decode', nested), [{ alg: 'HS256' }, { sub: 'a' }]);
});

test('each key of a set is paid for, whether it was read before or not', async (t) => {
  const encoded = token({ header: { alg: 'RS256' } }, byRsa);
  const keys = (count: number) =>
    `{"keys":[${Array(count)
      .fill(jwk(rsa.publicKey, { alg: 'RS512' }))
      .join()}]}`;
  const first = stepsOf('io.jwt.verify_rs256', encoded, keys(100));
  t.ok(first >= 100_000);
  t.equal(stepsOf('io.jwt.verify_rs256', encoded, keys(100)), first);
  t.throws(() => call('io.jwt.verify_rs256', encoded, keys(1001)), BuiltinError);
});

test('a key that is too weak, or that was made to be slow, verifies nothing', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 512 });
  const encoded = token({ header: { alg: 'RS256' } }, (signed) => sign('sha256', signed, weak.privateKey));
  t.equal(call('io.jwt.verify_rs256', encoded, pem(weak.publicKey)), false);
  const n = Buffer.alloc(2048, 0xff).toString('base64url');
  t.equal(call('io.jwt.verify_rs256', encoded, `{"kty":"RSA","n":"${n}a","e":"AQAB"}`), false);
  const slow = JSON.stringify({
    ...rsa.publicKey.export({ format: 'jwk' }),
    e: Buffer.alloc(256, 0x7f).toString('base64url'),
  });
  t.equal(stepsOf('io.jwt.verify_rs256', encoded, slow), stepsOf('io.jwt.decode', encoded) + 1000, 'no check is made');
});

test('a PEM file with a hundred thousand beginnings is read once (CVE-2025-61723)', async (t) => {
  const encoded = token({ header: { alg: 'RS256' } }, byRsa);
  for (const line of ['-----BEGIN X-----\n', '-----BEGIN X-----\nA:\n', '-----END X-----\n', '-----BEGIN ----- ']) {
    t.throws(() => call('io.jwt.verify_rs256', encoded, line.repeat(60_000)), BuiltinError);
  }
});
