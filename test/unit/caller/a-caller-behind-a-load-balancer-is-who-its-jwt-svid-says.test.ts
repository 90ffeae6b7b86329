import { createPublicKey, sign } from 'node:crypto';
import { test } from 'tap';
import { readDenylist } from '../../../certs/denylist.ts';
import type { PeerSvid } from '../../../certs/peer.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { openCallerTokens } from '../../../proxy/caller/caller-tokens.ts';
import { type CallerOutcome, findCaller } from '../../../proxy/caller/find-caller.ts';
import { JWT_SVID_ALGORITHMS, readJwtBundle } from '../../../proxy/caller/jwt-bundle.ts';
import type { LoadBalancersConfig } from '../../../proxy/config/token-config.ts';
import { isDenial } from '../../../proxy/denial.ts';
import { approvedTokens } from '../../../proxy/fips/approved.ts';
import { mint, mintWithSecret, part, type TokenKey, tokenKey } from '../../harness/user-tokens.ts';

const nowMs = Date.UTC(2026, 10, 23, 9, 30);
const now = nowMs / 1000;
const shop = parseTrustDomain('shop.example');
const partner = parseTrustDomain('partner.example');
const silent = parseTrustDomain('silent.example');
const own = parseSpiffeId('spiffe://shop.example/ns/shop/sa/orders');
const balancer = parseSpiffeId('spiffe://shop.example/ns/edge/sa/balancer');
const caller = 'spiffe://shop.example/ns/shop/sa/web';

const key = tokenKey('one');
const rsa = tokenKey('rsa', 'rsa');
const p521 = tokenKey('p521', 'P-521');
const edwards = tokenKey('edwards', 'ed25519');
const partnerKey = tokenKey('one');
const foreign = tokenKey('one');

const rules: LoadBalancersConfig = {
  peers: [balancer],
  header: 'x-jwt-svid',
  optional: false,
  audience: [own, 'orders'],
  maxLifetimeMs: 3_600_000,
  jwtBundles: [],
};

const keysOf = async (...keys: readonly TokenKey[]) => {
  const jwks = keys.map(({ jwk }) => ({ ...jwk, use: 'jwt-svid' }));
  const { keys: read, problems } = await readJwtBundle({ spiffe_sequence: 1, keys: jwks });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return read;
};
const keys = new Map([
  [shop, await keysOf(key, rsa, p521, edwards)],
  [partner, await keysOf(partnerKey)],
  [silent, undefined],
]);
const tokens = openCallerTokens(rules, keys, JWT_SVID_ALGORITHMS);
const denylist = readDenylist({
  file: 'denylist',
  text: 'spiffe-id spiffe://shop.example/ns/shop/sa/stolen\nspiffe-prefix spiffe://shop.example/ns/old/\n',
});

const counted: CallerOutcome[] = [];

type Asked = { readonly peer?: string; readonly atMs?: number; readonly by?: typeof tokens };

async function ask(headers: readonly string[], { peer = balancer, atMs = nowMs, by = tokens }: Asked = {}) {
  const connection = { peer: { spiffeId: peer } as PeerSvid };
  const count = (outcome: CallerOutcome) => void counted.push(outcome);
  const found = await findCaller(
    { connection, headers, receivedMs: atMs, snapshot: { trust: { denylist } } } as never,
    by,
    count,
  );
  if (isDenial(found)) return { code: found.code, detail: found.detail, named: found.caller?.spiffeId };
  return { caller: found.spiffeId, via: 'via' in found ? found.via.spiffeId : undefined };
}

const good = { sub: caller, aud: [own], exp: now + 300, iat: now - 1 };
const svid = (claims: object = {}, header: object | string = {}, by = key) =>
  mint(by, { ...good, ...claims }, (typeof header === 'string' ? header : { typ: 'JWT', ...header }) as never);
const shown = (...all: readonly string[]) => all.flatMap((token) => ['X-Jwt-Svid', token]);
const claiming = (claims: object) => shown(svid(claims));
const heading = (header: object | string) => shown(svid({}, header));
const [head = '', body = '', signature = ''] = svid().split('.');
const text = JSON.stringify(good);
const rsaPem = String(createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }));
const derSignature = sign('sha256', Buffer.from(`${head}.${body}`), key.privateKey).toString('base64url');

const accepted: readonly (readonly [what: string, headers: readonly string[], caller?: string])[] = [
  ['a good one', shown(svid())],
  ['typ JOSE', heading({ typ: 'JOSE' })],
  ['no typ', heading({ typ: undefined })],
  ['aud as text', claiming({ aud: 'orders' })],
  ['aud with others', claiming({ aud: ['billing', own] })],
  ['no iat', claiming({ iat: undefined })],
  ['RS256', shown(svid({}, {}, rsa))],
  ['PS512 by the same key', shown(svid({}, {}, { ...rsa, alg: 'PS512' }))],
  ['no kid where one key fits', shown(svid({}, { kid: undefined }))],
  ['other claims', claiming({ iss: 'https://spire.example', groups: ['a'], jti: 'one' })],
  [
    'a workload of a domain that is configured too',
    shown(svid({ sub: 'spiffe://partner.example/a' }, {}, partnerKey)),
    'spiffe://partner.example/a',
  ],
];

type Vector = readonly [what: string, code: string, headers: readonly string[], asked?: Asked];

// biome-ignore format: a table reads as a table
const refused: readonly Vector[] = [
  // Who may present one at all.
  ['a good one from a peer that is no load balancer', 'caller-token-unexpected', shown(svid()), { peer: caller }],
  ['garbage from a peer that is no load balancer', 'caller-token-unexpected', shown('x'), { peer: caller }],
  ['an empty header from a peer that is no load balancer', 'caller-token-unexpected', shown(''), { peer: caller }],
  ['a peer whose ID begins as that of the load balancer', 'caller-token-unexpected', shown(svid()), { peer: `${balancer}-2` }],
  ['none from the load balancer', 'caller-token-missing', []],
  ['one in another header', 'caller-token-missing', ['authorization', `Bearer ${svid()}`, 'x-jwt-svid2', svid()]],
  // Form.
  ['two headers', 'caller-token-malformed', shown(svid(), svid())],
  ['two in one header', 'caller-token-malformed', shown(`${svid()}, ${svid()}`)],
  ['an empty header', 'caller-token-malformed', shown('')],
  ['a scheme in front', 'caller-token-malformed', shown(`Bearer ${svid()}`)],
  ['more than 8192 characters', 'caller-token-malformed', claiming({ more: 'x'.repeat(8192) })],
  ['an encrypted one', 'caller-token-malformed', shown(`${svid()}.x.y`)],
  ['the JSON serialisation (section 2)', 'caller-token-malformed', shown(JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }))],
  ['padding', 'caller-token-malformed', shown(`${svid()}=`)],
  ['alg none without signature', 'caller-token-malformed', shown(`${part({ alg: 'none' })}.${body}.`)],
  ['sub twice', 'caller-token-malformed', shown(mint(key, `${text.slice(0, -1)},"sub":"spiffe://shop.example/admin"}`, { typ: 'JWT' }))],
  ['an access token', 'caller-token-malformed', heading({ typ: 'at+jwt' })],
  ['a DPoP proof', 'caller-token-malformed', heading({ typ: 'dpop+jwt' })],
  ['typ in lower case', 'caller-token-malformed', heading({ typ: 'jwt' })],
  ['kid as a number', 'caller-token-malformed', heading({ kid: 1 })],
  ['crit', 'caller-token-malformed', heading({ crit: ['x'], x: 1 })],
  ['b64 false (RFC 7797)', 'caller-token-malformed', heading({ b64: false })],
  ['a key of its own (CVE-2018-0114)', 'caller-token-malformed', shown(svid({}, { jwk: foreign.jwk }, foreign))],
  ['jku', 'caller-token-malformed', shown(svid({}, { jku: 'https://evil.example' }, foreign))],
  ['x5u', 'caller-token-malformed', shown(svid({}, { x5u: 'https://evil.example' }, foreign))],
  ['x5c', 'caller-token-malformed', shown(svid({}, { x5c: ['MII'] }, foreign))],
  ...['sub', 'aud', 'exp'].map((name): Vector => [`no ${name}`, 'caller-token-malformed', claiming({ [name]: undefined })]),
  ['exp as text', 'caller-token-malformed', claiming({ exp: String(now + 300) })],
  ['exp in milliseconds', 'caller-token-malformed', claiming({ exp: nowMs + 300_000 })],
  ['exp null', 'caller-token-malformed', claiming({ exp: null })],
  ['nbf as text', 'caller-token-malformed', claiming({ nbf: '0' })],
  ['aud as an empty list', 'caller-token-malformed', claiming({ aud: [] })],
  ['aud with a number', 'caller-token-malformed', claiming({ aud: [own, 1] })],
  ['sub as a list', 'caller-token-malformed', claiming({ sub: [caller] })],
  ['sub that is a name', 'caller-token-malformed', claiming({ sub: 'web' })],
  ['sub that is the trust domain', 'caller-token-malformed', claiming({ sub: 'spiffe://shop.example' })],
  ['sub with a query', 'caller-token-malformed', claiming({ sub: `${caller}?admin` })],
  ['sub with dots', 'caller-token-malformed', claiming({ sub: 'spiffe://shop.example/ns/../admin' })],
  ['sub with a domain in capitals', 'caller-token-malformed', claiming({ sub: 'spiffe://SHOP.example/ns/shop/sa/web' })],
  ['sub with NUL', 'caller-token-malformed', claiming({ sub: `${caller}\0` })],
  // Who has signed it.
  ['alg none', 'caller-token-untrusted', heading({ alg: 'none' })],
  ['HS256 with the public key as secret', 'caller-token-untrusted', shown(mintWithSecret(JSON.stringify(key.jwk), good, { alg: 'HS256', typ: 'JWT', kid: 'one' }))],
  ['HS256 with the PEM of the RSA key as secret', 'caller-token-untrusted', shown(mintWithSecret(rsaPem, good, { alg: 'HS256', typ: 'JWT', kid: 'rsa' }))],
  ['a signature in DER', 'caller-token-untrusted', shown(`${head}.${body}.${derSignature}`)],
  ['EdDSA, which no JWT-SVID has', 'caller-token-untrusted', shown(svid({}, {}, edwards))],
  ['an algorithm that the key is not for', 'caller-token-untrusted', heading({ alg: 'RS256' })],
  ['a kid that nobody has', 'caller-token-untrusted', heading({ kid: 'two' })],
  ['a kid that is a path', 'caller-token-untrusted', heading({ kid: '../../dev/null' })],
  ['a foreign key', 'caller-token-untrusted', shown(svid({}, {}, foreign))],
  ['our workload, signed by another domain', 'caller-token-untrusted', shown(svid({}, {}, partnerKey))],
  ['a workload of another domain, signed by ours', 'caller-token-untrusted', claiming({ sub: 'spiffe://partner.example/a' })],
  ['a workload of a domain that is not configured', 'caller-token-untrusted', claiming({ sub: 'spiffe://evil.example/a' })],
  ['a changed payload', 'caller-token-untrusted', shown(`${head}.${part({ ...good, sub: 'spiffe://shop.example/admin' })}.${signature}`)],
  ['a signature of r = s = 0 (CVE-2022-21449)', 'caller-token-untrusted', shown(`${head}.${body}.${Buffer.alloc(64).toString('base64url')}`)],
  ['a workload of a domain whose keys have not come', 'caller-keys-unavailable', claiming({ sub: 'spiffe://silent.example/a' })],
  // Whether it is good here and now.
  ['one that ends now', 'caller-token-untimely', claiming({ exp: now })],
  ['one that is too long-lived', 'caller-token-untimely', claiming({ exp: now + 3601 })],
  ['nbf in the future', 'caller-token-untimely', claiming({ nbf: now + 11 })],
  ['iat in the future', 'caller-token-untimely', claiming({ iat: now + 11 })],
  ['another audience', 'caller-token-wrong-audience', claiming({ aud: ['spiffe://shop.example/ns/shop/sa/billing'] })],
  ['an audience that only begins like ours', 'caller-token-wrong-audience', claiming({ aud: [`${own}-2`] })],
  ['a caller on the denylist', 'caller-denylisted', claiming({ sub: 'spiffe://shop.example/ns/shop/sa/stolen' })],
  ['a caller under a denylisted prefix', 'caller-denylisted', claiming({ sub: 'spiffe://shop.example/ns/old/sa/a' })],
];

void test('its subject is the caller, and the load balancer is the one that brought it', async (t) => {
  for (const [what, headers, sub = caller] of accepted) {
    t.same(await ask(headers), { caller: sub, via: balancer }, what);
    t.equal(counted.at(-1), 'verified', what);
    await ask(headers);
    t.equal(counted.at(-1), 'remembered', what);
  }
});

void test('each other one is refused for its reason', async (t) => {
  for (const [what, code, headers, asked] of refused) {
    const answer = await ask(headers, asked);
    t.equal('code' in answer ? answer.code : 'accepted', code, what);
    t.notOk(/eyJ|evil|admin|sa\/web/.test(String('detail' in answer ? answer.detail : '')), what);
    t.equal(counted.at(-1), /unexpected|missing/.exec(code)?.[0] ?? 'refused', what);
    const isVerified = /untimely|audience|denylisted/.test(code);
    t.equal('named' in answer && answer.named !== undefined, isVerified, `${what}: named once it is verified`);
  }
});

void test('every peer without the header is its own caller, and the load balancer where that is allowed', async (t) => {
  t.same(await ask([], { peer: caller }), { caller, via: undefined });
  const lenient = openCallerTokens({ ...rules, optional: true }, keys, JWT_SVID_ALGORITHMS);
  t.same(await ask([], { by: lenient }), { caller: balancer, via: undefined });
  t.match(await ask(shown('x'), { by: lenient }), { code: 'caller-token-malformed' });
  t.match(await ask(shown(svid()), { by: lenient, peer: caller }), { code: 'caller-token-unexpected' });
});

void test('one that is remembered is judged again by its end, and one that is not good is not remembered', async (t) => {
  const token = svid();
  t.match(await ask(shown(token)), { caller });
  t.not(tokens.recall(token), undefined);
  t.match(await ask(shown(token), { atMs: good.exp * 1000 - 1 }), { caller });
  t.match(await ask(shown(token), { atMs: good.exp * 1000 }), { code: 'caller-token-untimely' });
  t.match(await ask(shown(token), { peer: caller }), { code: 'caller-token-unexpected' });
  const forged = svid({}, {}, foreign);
  await ask(shown(forged));
  t.equal(tokens.recall(forged), undefined);
});

void test('with profile fips only approved algorithms count', async (t) => {
  const approved = openCallerTokens(
    rules,
    keys,
    JWT_SVID_ALGORITHMS.filter((one) => approvedTokens.includes(one)),
  );
  t.match(await ask(shown(svid({}, {}, p521))), { caller });
  t.match(await ask(shown(svid({}, {}, p521)), { by: approved }), { code: 'caller-token-untrusted' });
  t.match(await ask(shown(svid()), { by: approved }), { caller });
});

void test('a bundle is read by what its keys are for, and refused for one that must not be there', async (t) => {
  const x509 = { ...rsa.jwk, use: 'x509-svid', kid: undefined, x5c: ['MII'] };
  const kids = async (...jwks: readonly object[]) => (await readJwtBundle({ keys: jwks })).keys.map(({ kid }) => kid);
  t.same(await kids(x509, { ...key.jwk, use: 'jwt-svid' }), ['one']);
  t.same(await kids({ ...key.jwk, use: undefined }), ['one'], 'as the Workload API gives it');
  t.same(await readJwtBundle({ keys: [x509] }), { keys: [], problems: [] });
  t.same(await readJwtBundle({ keys: [] }), { keys: [], problems: [] });
  t.same(await kids({ ...edwards.jwk, use: 'jwt-svid' }), []);
  for (const [bad, message] of [
    [[{ kty: 'oct', k: 'AAAA', use: 'jwt-svid' }], /shared secret/],
    [[{ ...key.privateKey.export({ format: 'jwk' }), use: 'jwt-svid' }], /private key/],
    [[key.jwk, { ...rsa.jwk, kid: 'one', use: 'jwt-svid' }], /name of \/keys\/0/],
    [['key', key.jwk], /no JWK/],
  ] as const) {
    t.match((await readJwtBundle({ keys: bad })).problems, [{ message }]);
  }
  t.match((await readJwtBundle([])).problems, [{ message: /no JWK set/ }]);
});
