import { createHash } from 'node:crypto';
import { test } from 'tap';
import { approvedTls, clientTls } from '../../../proxy/fips/approved.ts';
import { cryptographicModule } from '../../../proxy/fips/module.ts';
import { checkClient, checkFips, checkListener, throwAwayIdentity } from '../../../proxy/fips/self-check.ts';
import { secureContext } from '../../../proxy/data/tls-options.ts';

const identity = await throwAwayIdentity(Date.now());
const listener = secureContext(identity, [], 'approved');
const with_ = (list: 'ciphers' | 'sigalgs' | 'ecdhCurve', more: string) => ({ [list]: `${approvedTls[list]}:${more}` });

void test('what the proxy uses is in force', async (t) => {
  t.match(await checkFips(Date.now()), { statement: /OpenSSL \d/ });
});

const looser: readonly (readonly [what: string, options: object, says: RegExp])[] = [
  ['a group', with_('ecdhCurve', 'X25519'), /handshake with X25519$/],
  ['a hybrid group', with_('ecdhCurve', 'X25519MLKEM768'), /handshake with X25519MLKEM768$/],
  ['a hybrid of an approved group', with_('ecdhCurve', 'SecP256r1MLKEM768'), /SecP256r1MLKEM768$/],
  ['a larger group', with_('ecdhCurve', 'P-521'), /handshake with P-521$/],
  ['a cipher suite', with_('ciphers', 'TLS_CHACHA20_POLY1305_SHA256'), /TLS_CHACHA20_POLY1305_SHA256$/],
  ['a signature', with_('sigalgs', 'ed25519'), /agrees on the signatures Ed25519/],
  ['a signature of a larger curve', with_('sigalgs', 'ecdsa_secp521r1_sha512'), /signatures ECDSA\+SHA512$/],
  ['no list of signatures', { sigalgs: undefined }, /agrees on the signatures /],
  ['a group too few', { ecdhCurve: 'P-256' }, /no handshake with P-384/],
  ['a suite too few', { ciphers: 'TLS_AES_256_GCM_SHA384' }, /no handshake with P-256 and TLS_AES_128_GCM_SHA256/],
];

for (const [what, options, message] of looser) {
  void test(`a list with ${what} is noticed`, async (t) => {
    const refused = { code: 'fips-not-in-force', message };
    await t.rejects(checkListener({ ...listener, ...options }), refused, 'of the listener');
    await t.rejects(checkClient({ ...clientTls('approved'), ...options }, identity), refused, 'of a client');
  });
}

void test('an older version and an older suite are noticed', async (t) => {
  const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' } as const;
  const ecdsa = 'ECDHE-ECDSA-AES128-GCM-SHA256';
  const code = 'fips-not-in-force';
  const all = { ...listener, ...old, ciphers: `${approvedTls.ciphers}:${ecdsa}` };
  await t.rejects(checkListener(all), { code, message: /TLSv1\.2$/ });
  const weak = { ...clientTls('approved'), ciphers: `${approvedTls.ciphers}:ECDHE-ECDSA-CHACHA20-POLY1305` };
  await t.rejects(checkClient(weak, identity), { code, message: /ECDHE-ECDSA-CHACHA20-POLY1305$/ });
  const oldest = { ...clientTls('approved'), minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  await t.rejects(checkClient(oldest, identity), { code });
  await t.rejects(checkClient({}, identity), { code }, 'what Node does by itself');
});

void test('the module is said not to be validated, and a claim that OpenSSL contradicts is not believed', (t) => {
  const md5 = () => createHash('md5').update('').digest();
  const isPlain = t.doesNotThrow(md5, 'this OpenSSL runs without a FIPS provider');
  if (isPlain) {
    t.match(cryptographicModule(false), { validated: 'no', statement: /NOT validated.*crypto\.getFips\(\) is 0/ });
    const contradiction = { code: 'fips-not-in-force', message: /still computes MD5, scrypt, ChaCha20$/ };
    t.throws(() => cryptographicModule(true), contradiction);
  }
  t.end();
});
