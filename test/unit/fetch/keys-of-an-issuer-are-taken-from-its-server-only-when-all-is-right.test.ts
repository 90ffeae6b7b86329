import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Config } from '../../../proxy/config/config.ts';
import type { IssuerConfig } from '../../../proxy/config/token-config.ts';
import { keySources } from '../../../proxy/fetch/issuer-keys.ts';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import { type Answer, startHttpsServer } from '../../harness/https-server.ts';
import { jwks, tokenKey } from '../../harness/user-tokens.ts';
import { staff } from '../user/verified.ts';

const key = tokenKey('one');
const good = jwks(key);
const weak = jwks(key, tokenKey('weak', 'rsa', { bits: 1024, exponent: 65_537 }));
const privateJwk = { ...key.privateKey.export({ format: 'jwk' }), kid: 'private' };
const secret = { kty: 'oct', k: 'AAAA', kid: 'secret' };

void test('a set is taken whole or not at all', async (t) => {
  const server = await startHttpsServer(t);
  const caFile = join(t.testdir({}), 'ca.pem');
  writeFileSync(caFile, server.caPem);
  const network = await openNetwork({ allow: ['127.0.0.0/8'], caFile });
  const sourceOf = (jwksUri: string | undefined, given: Partial<IssuerConfig> = {}, from = network) => {
    const keys = { kind: 'url', jwksUri, refreshMs: 300_000, maxAgeMs: 3_600_000 } as const;
    const issuer: IssuerConfig = { ...staff, issuer: server.origin, algorithms: ['ES256'], ...given, keys };
    const [source] = keySources({ issuers: [issuer] } as unknown as Config, from);
    if (source === undefined) throw new TypeError('no source');
    return source;
  };
  const fetch = (...given: Parameters<typeof sourceOf>) =>
    sourceOf(...given).fetch(new AbortController().signal, undefined);
  const at = (path: string, answer: Answer) => {
    server.documents.set(path, answer);
    return `${server.origin}${path}`;
  };

  await t.test('by its place', async (t) => {
    t.match(await fetch(at('/good', { body: good })), { text: good, sha256: /^[0-9a-f]{64}$/ });
    const wrong: readonly (readonly [what: string, answer: Answer, problem: RegExp])[] = [
      ['weak', { body: weak }, /\/keys\/1 is an RSA key of 1024 bits/],
      ['private', { body: JSON.stringify({ keys: [privateJwk] }) }, /private key/],
      ['secret', { body: JSON.stringify({ keys: [secret] }) }, /shared secret/],
      ['twice', { body: jwks(key, tokenKey('one')) }, /is the name of \/keys\/0 already/],
      ['other', { body: jwks(tokenKey('rsa', 'rsa')) }, /no key is for any of `algorithms`/],
      ['empty', { body: '' }, /not acceptable JSON/],
      ['none', { body: '{"keys":[]}' }, /no public key for signatures/],
      ['html', { body: '<html>503</html>', headers: { 'content-type': 'text/html' } }, /not acceptable JSON/],
      ['ambiguous', { body: `{"keys":[],${good.slice(1)}` }, /not acceptable JSON: duplicate/],
      ['ten-megabytes', { body: good + ' '.repeat(10 * 1024 * 1024) }, /more than 262144 bytes/],
      ['redirect', { status: 301, headers: { location: '/good' } }, /redirect, which is not followed/],
      ['error', { status: 500, body: good }, /status 500/],
    ];
    for (const [what, answer, message] of wrong) {
      await t.rejects(fetch(at(`/${what}`, answer)), { code: 'fetch-refused', message }, what);
    }
    t.equal(server.asked.filter((path) => path === '/good').length, 1, 'the redirect went nowhere');
  });

  await t.test('only from an allowed address', async (t) => {
    const before = server.asked.length;
    const closed = await openNetwork({ allow: [], caFile });
    for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1']) {
      const url = server.origin.replace('localhost', host);
      await t.rejects(fetch(url, {}, closed), { code: 'fetch-refused', message: /not public/ }, host);
    }
    t.equal(server.asked.length, before);
  });

  await t.test('by discovery', async (t) => {
    const metadata = '/.well-known/openid-configuration';
    const say = (document: unknown, body = JSON.stringify(document)) => at(metadata, { body });
    const { origin } = server;
    say({ issuer: origin, jwks_uri: `${origin}/good` });
    t.match(await fetch(undefined), { text: good });
    say({ issuer: `${origin}/`, jwks_uri: `${origin}/good` });
    t.match(await fetch(undefined, { issuer: `${origin}/` }), { text: good }, 'an issuer that ends with a slash');
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [{ issuer: `${origin}/`, jwks_uri: `${origin}/good` }, /`issuer` is another/],
      [{ jwks_uri: `${origin}/good` }, /`issuer` is another/],
      [{ issuer: origin }, /`jwks_uri` is no https URL/],
      [{ issuer: origin, jwks_uri: origin.replace('https', 'http') }, /`jwks_uri` is no https URL/],
      [{ issuer: origin, jwks_uri: 'file:///etc/passwd' }, /`jwks_uri` is no https URL/],
      [{ issuer: origin, jwks_uri: 'https://169.254.169.254/' }, /not public/],
      [[], /no JSON object/],
    ];
    for (const [document, message] of wrong) {
      say(document);
      await t.rejects(fetch(undefined), { code: 'fetch-refused', message }, JSON.stringify(document));
    }
  });
});
