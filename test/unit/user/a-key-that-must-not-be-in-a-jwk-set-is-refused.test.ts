import { test } from 'tap';
import { readJwks } from '../../../proxy/user/read-jwks.ts';
import { tokenKey } from '../../harness/user-tokens.ts';

const ec = tokenKey('ec').jwk;
const rsa = tokenKey('rsa', 'rsa').jwk;
const edwards = tokenKey('edwards', 'ed25519').jwk;
const weak = tokenKey('weak', 'rsa', { bits: 1024, exponent: 65_537 }).jwk;
const small = tokenKey('small', 'rsa', { bits: 2048, exponent: 3 }).jwk;
const { privateKey } = tokenKey('private');
const pointless = { ...ec, x: undefined };

const refused: readonly (readonly [what: string, set: unknown, pointer: string, message: RegExp])[] = [
  ['no object', [ec], '', /no JWK set/],
  ['a key instead of a set', ec, '', /no JWK set/],
  ['keys that are no list', { keys: ec }, '', /no JWK set/],
  ['no key', { keys: [] }, '/keys', /no public key for signatures/],
  ['101 keys', { keys: Array(101).fill(ec) }, '/keys', /more than 100/],
  ['a key that is text', { keys: ['key'] }, '/keys/0', /no JWK/],
  ['a shared secret', { keys: [ec, { kty: 'oct', k: 'c2VjcmV0' }] }, '/keys/1', /shared secret/],
  ['a private key', { keys: [privateKey.export({ format: 'jwk' })] }, '/keys/0', /private key/],
  ['RSA with 1024 bits', { keys: [weak] }, '/keys/0', /1024 bits, less than 2048/],
  ['RSA with the exponent 3', { keys: [small] }, '/keys/0', /exponent 3/],
  ['RSA with an exponent of 34 bits', { keys: [{ ...small, e: 'AgAAAAE' }] }, '/keys/0', /more than 33 bits/],
  ['a point that is not on the curve', { keys: [{ ...ec, y: ec.x }] }, '/keys/0', /no valid public key of type EC/],
  ['a point without x', { keys: [pointless] }, '/keys/0', /no valid public key/],
  ['a modulus that is a number', { keys: [{ ...rsa, n: 5 }] }, '/keys/0', /no valid public key/],
  ['one name for two keys', { keys: [ec, { ...rsa, kid: 'ec' }] }, '/keys/1/kid', /name of \/keys\/0/],
  ['a name that is a number', { keys: [{ ...ec, kid: 7 }] }, '/keys/0/kid', /1 to 256/],
  ['an empty name', { keys: [{ ...ec, kid: '' }] }, '/keys/0/kid', /1 to 256/],
  ['keys for encryption alone', { keys: [{ ...rsa, use: 'enc' }] }, '/keys', /no public key for signatures/],
];

void test('each is refused at its place', async (t) => {
  for (const [what, set, pointer, message] of refused) {
    const { keys, problems } = await readJwks(set);
    t.match(problems, [{ pointer, message }], what);
    t.equal(problems.length, 1, what);
    t.notOk(
      keys.some(({ kid }) => kid === 'weak' || kid === 'small'),
      what,
    );
  }
});

void test('what is not for signatures is left out, and a key is used for what it says', async (t) => {
  const others = [
    { ...rsa, kid: 'enc', use: 'enc' },
    { ...rsa, kid: 'oaep', alg: 'RSA-OAEP-256' },
    { ...ec, kid: 'sign', key_ops: ['sign'] },
    { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' },
    { kty: 'OKP', crv: 'X25519', x: 'AA' },
    { kty: 'future', alg: 'ES256' },
  ];
  const { keys, problems } = await readJwks({ keys: [ec, { ...rsa, alg: 'PS384' }, edwards, ...others] });
  t.same(problems, []);
  t.same(
    keys.map(({ kid, algorithm }) => `${kid} ${algorithm}`),
    ['ec ES256', 'rsa PS384', 'edwards EdDSA', 'edwards Ed25519'],
  );
  t.equal((await readJwks({ keys: [rsa] })).keys.length, 6, 'RSA without alg: the configuration chooses');
});
