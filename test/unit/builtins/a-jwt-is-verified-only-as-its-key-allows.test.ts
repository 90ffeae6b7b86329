import { constants, createHmac, sign } from 'node:crypto';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';
import { byEc, byHmac, byPss, byRsa, ec, ed, jwk, pem, rsa, token, unverified } from './tokens.ts';

const verified = (encoded: string, constraints: { [name: string]: string }) => {
  const answer = call('io.jwt.decode_verify', encoded, constraints);
  return Array.isArray(answer) && answer[0] === true;
};

test('each family verifies with its own key, in PEM, JWK and JWK set', async (t) => {
  const edToken = token({ header: { alg: 'EdDSA' } }, (signed) => sign(undefined, signed, ed.privateKey));
  for (const [name, encoded, key] of [
    ['rs256', token({ header: { alg: 'RS256' } }, byRsa), rsa.publicKey],
    ['ps256', token({ header: { alg: 'PS256' } }, byPss), rsa.publicKey],
    ['es256', token({ header: { alg: 'ES256' } }, byEc), ec.publicKey],
    ['eddsa', edToken, ed.publicKey],
  ] as const) {
    for (const cert of [pem(key), jwk(key), `{"keys":[${jwk(key)}]}`]) {
      t.equal(call(`io.jwt.verify_${name}`, encoded, cert), true, name);
      t.ok(verified(encoded, { cert }), name);
    }
    const other = { rs256: ec, ps256: ec, es256: ed, eddsa: rsa }[name].publicKey;
    t.equal(call(`io.jwt.verify_${name}`, encoded, pem(other)), false, `${name} with a key of another family`);
  }
});

test('alg none is never verified, however it is written (CVE-2015-2951)', async (t) => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    for (const signature of [Buffer.alloc(0), Buffer.from('x')]) {
      const encoded = token({ header: { alg } }, () => signature);
      t.same(call('io.jwt.decode_verify', encoded, { cert: pem(rsa.publicKey) }), unverified);
      t.same(call('io.jwt.decode_verify', encoded, { secret: 'secret' }), unverified);
      t.equal(call('io.jwt.verify_rs256', encoded, pem(rsa.publicKey)), false);
    }
  }
  const encoded = token({ header: {} }, byRsa);
  t.same(call('io.jwt.decode_verify', encoded, { cert: pem(rsa.publicKey) }), unverified, 'no alg at all');
});

test('a public key is no HMAC secret, whatever the token says (CVE-2015-9235, CVE-2026-34950)', async (t) => {
  for (const key of [pem(rsa.publicKey), jwk(rsa.publicKey), jwk(ec.publicKey), `{"keys":[${jwk(ed.publicKey)}]}`]) {
    const encoded = token({ header: { alg: 'HS256' } }, byHmac(key));
    t.same(call('io.jwt.decode_verify', encoded, { cert: key }), unverified);
    // The policy made the mistake, and named the public key as its secret.
    t.same(call('io.jwt.decode_verify', encoded, { secret: key }), unverified);
    t.equal(call('io.jwt.verify_hs256', encoded, key), false);
  }
  t.ok(verified(token({ header: { alg: 'HS256' } }, byHmac('secret')), { secret: 'secret' }));
});

test('keys that the token brings along are not looked at', async (t) => {
  const own = JSON.parse(jwk(rsa.publicKey)) as object;
  const header = {
    alg: 'RS256',
    jwk: own,
    jku: 'https://evil.test/keys',
    x5u: 'https://evil.test/c',
    kid: '../../dev/null',
  };
  const encoded = token({ header }, byRsa);
  t.same(call('io.jwt.decode_verify', encoded, { cert: jwk(ec.publicKey) }), unverified);
  t.equal(call('io.jwt.verify_rs256', encoded, jwk(ec.publicKey, { kid: 'k' })), false);
});

test('an ECDSA signature of zeros, in DER, or of another length is none (CVE-2022-21449)', async (t) => {
  const forged: ((signed: Buffer) => Buffer)[] = [
    () => Buffer.alloc(64),
    () => Buffer.alloc(0),
    () => Buffer.from('MAYCAQACAQA=', 'base64'),
    (signed) => sign('sha256', signed, ec.privateKey),
    (signed) => Buffer.concat([byEc(signed), Buffer.alloc(2)]),
    (signed) => byEc(signed).subarray(1),
  ];
  for (const make of forged) {
    const encoded = token({ header: { alg: 'ES256' } }, make);
    t.equal(call('io.jwt.verify_es256', encoded, pem(ec.publicKey)), false);
    t.same(call('io.jwt.decode_verify', encoded, { cert: pem(ec.publicKey) }), unverified);
  }
});

test('a PSS salt of another length than the hash is for verify_ps256 alone, as in OPA', async (t) => {
  const pss = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 };
  const encoded = token({ header: { alg: 'PS256' } }, (signed) => sign('sha256', signed, pss));
  t.equal(call('io.jwt.verify_ps256', encoded, pem(rsa.publicKey)), true);
  t.same(call('io.jwt.decode_verify', encoded, { cert: pem(rsa.publicKey) }), unverified);
});

test('critical extensions are not understood, b64 among them (RFC 7797)', async (t) => {
  for (const header of [
    { alg: 'HS256', crit: ['b64'], b64: false },
    { alg: 'HS256', crit: ['exp'], exp: 1 },
    { alg: 'HS256', crit: ['absent'] },
  ]) {
    t.same(call('io.jwt.decode_verify', token({ header }, byHmac('k')), { secret: 'k' }), unverified);
  }
  for (const crit of [[], 'b64', [1], null]) {
    const encoded = token({ header: { alg: 'HS256', crit } }, byHmac('k'));
    t.throws(() => call('io.jwt.decode_verify', encoded, { secret: 'k' }), BuiltinError);
  }
  // Not critical, so RFC 7515 wants it ignored: the payload is read, and signed, in base64.
  const plain = `${Buffer.from('{"alg":"HS256","b64":false}').toString('base64url')}.{"sub":"a"}`;
  const encoded = `${plain}.${createHmac('sha256', 'k').update(plain).digest('base64url')}`;
  t.throws(() => call('io.jwt.decode_verify', encoded, { secret: 'k' }), BuiltinError);
});

test('a key of a set serves only the algorithm that it names, also when the token names the key', async (t) => {
  const cert = `{"keys":[${jwk(rsa.publicKey, { kid: 'one', alg: 'RS256' })}]}`;
  t.ok(verified(token({ header: { alg: 'RS256', kid: 'one' } }, byRsa), { cert }));
  t.ok(verified(token({ header: { alg: 'RS256', kid: 'unknown' } }, byRsa), { cert }));
  t.notOk(verified(token({ header: { alg: 'PS256', kid: 'one' } }, byPss), { cert }));
});

test('the key that the token names is the only one that is tried', async (t) => {
  const cert = `{"keys":[${jwk(ec.publicKey, { kid: 'ec' })},${jwk(rsa.publicKey, { kid: 'rsa' })}]}`;
  t.ok(verified(token({ header: { alg: 'RS256', kid: 'rsa' } }, byRsa), { cert }));
  t.notOk(verified(token({ header: { alg: 'RS256', kid: 'ec' } }, byRsa), { cert }));
  t.notOk(verified(token({ header: { alg: 'RS256' } }, byRsa), { cert: '{"keys":[]}' }));
});

test('a key that cannot be read fails the call', async (t) => {
  const encoded = token({ header: { alg: 'RS256' } }, byRsa);
  const long = pem(rsa.publicKey);
  for (const cert of [
    '',
    '{}',
    '[]',
    'null',
    '{"kty":"RSA"}',
    '{"kty":"oct","k":""}',
    '{"keys":[{"kty":"RSA","n":1,"e":"AQAB"}]}',
    `{"keys":[${jwk(rsa.publicKey)},{"kty":"unknown"}]}`,
    long.slice(0, 100),
    long.replace('-----END', '----END'),
    `${long}more`,
    `${long}${long}`,
    long.replaceAll('PUBLIC KEY', 'CERTIFICATE'),
    long.replaceAll('PUBLIC KEY', 'EC PARAMETERS'),
    rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  ]) {
    t.throws(() => call('io.jwt.verify_rs256', encoded, cert), BuiltinError, cert.slice(0, 40));
  }
});
