import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { test } from 'tap';
import type { IssuerConfig } from '../../../proxy/config/token-config.ts';
import { createQuotas, openQuotas } from '../../../proxy/limit/quotas.ts';
import { isSameResource } from '../../../proxy/user/request-uri.ts';
import { longest } from '../../../proxy/user/life.ts';
import { tokenUses } from '../../../proxy/user/token-uses.ts';
import { mint, mintWithSecret, part, type TokenKey, tokenKey } from '../../harness/user-tokens.ts';
import {
  type Asked,
  asking,
  bearer,
  fingerprint,
  goodClaims,
  now,
  nowMs,
  orders,
  required,
  staff,
  verifierFor,
} from './verified.ts';

/** RFC 7638, by hand: the library under test shall not vouch for itself. */
function thumbprint({ jwk: { kty, crv, x, y, e, n } }: TokenKey): string {
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'OKP' ? { crv, kty, x } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

const issuerKey = tokenKey('one');
const mine = tokenKey(undefined);
const theirs = tokenKey(undefined);
const rsa = tokenKey(undefined, 'rsa');
const weak = tokenKey(undefined, 'rsa', { bits: 1024, exponent: 65_537 });
const p384 = tokenKey(undefined, 'P-384');

const dpop = { required: true, algorithms: ['ES256', 'PS256'], maxAgeMs: 60_000 } as const;
const strict: IssuerConfig = { ...staff, dpop };
const lenient: IssuerConfig = {
  ...staff,
  name: 'partner',
  issuer: 'https://id.partner.example',
  dpop: { ...dpop, required: false },
};
const plain: IssuerConfig = { ...staff, name: 'plain', issuer: 'https://plain.example' };
const issuers = [strict, lenient, plain];
const everyone = { ...required, issuers: issuers.map(({ name }) => name) };

const tokens = await verifierFor(issuers.map((issuer) => [issuer, [issuerKey]] as const));
const clock = { ms: nowMs };
const uses = tokenUses(openQuotas(createQuotas(4096), 0), () => clock.ms);
const ask = asking(tokens, uses, issuers);

const boundTo = (key: TokenKey, more: object = {}) =>
  mint(issuerKey, { ...goodClaims, cnf: { jkt: thumbprint(key) }, ...more });
const token = boundTo(mine);
const unbound = mint(issuerKey, goodClaims);

let proofs = 0;
type Json = Readonly<Record<string, unknown>>;
type Change = {
  readonly claims?: Json;
  readonly header?: Json | string;
  readonly key?: TokenKey;
  readonly of?: string;
};

function proof({ claims = {}, header = {}, key = mine, of = token }: Change = {}): string {
  proofs += 1;
  const htu = 'https://orders.shop.example/orders';
  const payload = { jti: `proof-${proofs}`, htm: 'GET', htu, iat: now - 1, ath: sha256(of), ...claims };
  const { kty, crv, x, y, e, n } = key.jwk;
  return mint(
    key,
    payload,
    typeof header === 'string' ? header : { typ: 'dpop+jwt', jwk: { kty, crv, x, y, e, n }, ...header },
  );
}

const shown = (one: string, ...all: readonly string[]): readonly string[] => [
  'Authorization',
  `DPoP ${one}`,
  ...all.flatMap((value) => ['DPoP', value]),
];
const proving = (change: Change, by = token): readonly string[] => shown(by, proof({ of: by, ...change }));
const claiming = (claims: Json) => proving({ claims });
const heading = (header: Json | string) => proving({ header });
const jwkWith = (more: Json) => heading({ jwk: { ...mine.jwk, use: undefined, ...more } });
const headerText = JSON.stringify({ alg: 'ES256', typ: 'dpop+jwt', jwk: mine.jwk });

type Vector = readonly [what: string, code: string, headers: readonly string[], asked?: Asked];

const rsaToken = boundTo(rsa);
const path = '/a%20b/%C3%A9';

const accepted: readonly (readonly [what: string, headers: readonly string[], asked?: Asked])[] = [
  ['a proof for this request', proving({})],
  ['the scheme in another case', ['authorization', `dpop ${token}`, 'dpop', proof()]],
  ['PS256', proving({ key: { ...rsa, alg: 'PS256' } }, rsaToken)],
  ['a key that says what it is for', jwkWith({ use: 'sig', alg: 'ES256', key_ops: ['verify'], kid: 'mine' })],
  ['htu with a query', claiming({ htu: 'https://orders.shop.example/orders?a=b' })],
  ['htu with a fragment', claiming({ htu: 'https://orders.shop.example/orders#a' })],
  ['htu in capitals where case does not count', claiming({ htu: 'HTTPS://ORDERS.shop.example/orders' })],
  ['htu with the port that https has', claiming({ htu: 'https://orders.shop.example:443/orders' })],
  ['htu with dot segments', claiming({ htu: 'https://orders.shop.example/a/.././orders' })],
  [
    'htu of the root without a slash',
    claiming({ htu: 'https://orders.shop.example' }),
    { target: { ...orders, path: '/' } },
  ],
  [
    'htu in another percent-encoding',
    claiming({ htu: 'https://orders.shop.example/%61%20b/%c3%a9' }),
    { target: { ...orders, path } },
  ],
  [
    'htu with the port of this authority',
    claiming({ htu: 'https://orders.shop.example:8443/orders' }),
    { target: { ...orders, authority: 'orders.shop.example:8443' } },
  ],
  ['a proof of a moment ahead', claiming({ iat: now + 9 })],
  ['a proof nearly too old', claiming({ iat: now - 59 })],
  ['another method', claiming({ htm: 'DELETE' }), { target: { ...orders, method: 'DELETE' } }],
  ['claims that nobody asked for', claiming({ nonce: 'n', exp: 1, extra: true })],
  [
    'a token bound to key and certificate',
    proving(
      {},
      boundTo(mine, {
        cnf: { jkt: thumbprint(mine), 'x5t#S256': Buffer.from(fingerprint, 'hex').toString('base64url') },
      }),
    ),
  ],
  ['a bound token of an issuer where proofs are optional', proving({}, boundTo(mine, { iss: lenient.issuer }))],
  [
    'an unbound token of an issuer where proofs are optional',
    bearer(mint(issuerKey, { ...goodClaims, iss: lenient.issuer })),
  ],
  [
    'an unbound token with a proof that nobody asked for',
    [...bearer(mint(issuerKey, { ...goodClaims, iss: lenient.issuer })), 'dpop', 'x'],
  ],
];

// biome-ignore format: a table reads as a table
const refused: readonly Vector[] = [
  // RFC 9449 section 7.2: downgrade.
  ['a bound token as Bearer', 'user-proof-missing', bearer(token)],
  ['a bound token as Bearer, with its proof', 'user-proof-missing', [...bearer(token), 'DPoP', proof()]],
  ['a bound token as Bearer where proofs are optional', 'user-proof-missing', bearer(boundTo(mine, { iss: lenient.issuer }))],
  ['an unbound token where proofs are required', 'user-proof-missing', bearer(unbound)],
  ['an unbound token as DPoP', 'user-token-not-bound', proving({}, unbound)],
  ['an unbound token as DPoP where proofs are optional', 'user-token-not-bound', proving({}, mint(issuerKey, { ...goodClaims, iss: lenient.issuer }))],
  ['a bound token of an issuer without DPoP', 'user-token-unsupported', proving({}, boundTo(mine, { iss: plain.issuer }))],
  ['a bound token of an issuer without DPoP, as Bearer', 'user-token-unsupported', bearer(boundTo(mine, { iss: plain.issuer }))],
  ['a plain token of an issuer without DPoP, as DPoP', 'user-token-unsupported', proving({}, mint(issuerKey, { ...goodClaims, iss: plain.issuer }))],
  ['a bound token without a proof', 'user-proof-missing', shown(token)],
  // The token itself is judged as ever.
  ['a token that expired', 'user-token-expired', proving({}, boundTo(mine, { exp: now - 60 }))],
  ['a token by a foreign key', 'user-token-untrusted', proving({}, mint(theirs, { ...goodClaims, cnf: { jkt: thumbprint(mine) } }, { kid: 'one' }))],
  ['a token bound to another certificate too', 'user-token-not-bound', proving({}, boundTo(mine, { cnf: { jkt: thumbprint(mine), 'x5t#S256': sha256('x') } }))],
  ['a thumbprint that is none', 'user-token-malformed', proving({}, boundTo(mine, { cnf: { jkt: 'x' } }))],
  ['a thumbprint that is a number', 'user-token-malformed', proving({}, boundTo(mine, { cnf: { jkt: 1 } }))],
  // Section 4.3, point by point.
  ['two proofs in one header', 'user-proof-malformed', shown(token, `${proof()}, ${proof()}`)],
  ['an empty proof', 'user-proof-malformed', shown(token, '')],
  ['a proof that is no JWT', 'user-proof-malformed', shown(token, 'x')],
  ['a proof in quotes', 'user-proof-malformed', shown(token, `"${proof()}"`)],
  ['more than 4096 characters', 'user-proof-malformed', claiming({ more: 'x'.repeat(4096) })],
  ['a proof with padding', 'user-proof-malformed', shown(token, `${proof()}=`)],
  ['jti twice', 'user-proof-malformed', shown(token, mint(mine, `{"jti":"a","jti":"b","htm":"GET","htu":"https://orders.shop.example/orders","iat":${now},"ath":"${sha256(token)}"}`, headerText))],
  ['a header with jwk twice', 'user-proof-malformed', heading(`${headerText.slice(0, -1)},"jwk":${JSON.stringify(theirs.jwk)}}`)],
  ['the token as its own proof', 'user-proof-malformed', shown(token, token)],
  ['typ JWT', 'user-proof-malformed', heading({ typ: 'JWT' })],
  ['no typ', 'user-proof-malformed', heading({ typ: undefined })],
  ['typ in capitals', 'user-proof-malformed', heading({ typ: 'DPoP+JWT' })],
  ['no alg', 'user-proof-untrusted', heading({ alg: undefined })],
  ['alg none, with a signature', 'user-proof-untrusted', heading({ alg: 'none' })],
  ['alg none, without', 'user-proof-malformed', shown(token, `${part({ alg: 'none', typ: 'dpop+jwt', jwk: mine.jwk })}.${part({})}.`)],
  ['an algorithm that is not configured', 'user-proof-untrusted', proving({ key: p384 }, boundTo(p384))],
  ['RS256 where PS256 is configured', 'user-proof-untrusted', proving({ key: rsa }, rsaToken)],
  ['HS256 with the public key as secret', 'user-proof-untrusted', shown(token, mintWithSecret(JSON.stringify(mine.jwk), { jti: 'h', htm: 'GET', htu: 'https://orders.shop.example/orders', iat: now, ath: sha256(token) }, { alg: 'HS256', typ: 'dpop+jwt', jwk: mine.jwk }))],
  ['alg of another kind of key', 'user-proof-untrusted', heading({ alg: 'PS256' })],
  ['no jwk', 'user-proof-malformed', heading({ jwk: undefined })],
  ['jwk as text', 'user-proof-malformed', heading({ jwk: 'x' })],
  ['a kid instead of a jwk', 'user-proof-malformed', heading({ jwk: undefined, kid: 'one' })],
  ['jku', 'user-proof-malformed', heading({ jku: 'https://evil.example/keys' })],
  ['x5u', 'user-proof-malformed', heading({ x5u: 'https://evil.example/chain' })],
  ['x5c', 'user-proof-malformed', heading({ x5c: ['MII'] })],
  ['crit', 'user-proof-malformed', heading({ crit: ['x'], x: 1 })],
  ['b64 false (RFC 7797)', 'user-proof-malformed', heading({ b64: false })],
  ['x5u inside of jwk', 'user-proof-malformed', jwkWith({ x5u: 'https://evil.example/chain' })],
  ['a private key', 'user-proof-malformed', jwkWith({ d: 'AAAA' })],
  ['a prime of a private key', 'user-proof-malformed', jwkWith({ p: 'AAAA' })],
  ['a shared secret', 'user-proof-malformed', heading({ jwk: { kty: 'oct', k: 'AAAA' } })],
  ['a key for encryption', 'user-proof-untrusted', jwkWith({ use: 'enc' })],
  ['a key that is for another algorithm', 'user-proof-untrusted', jwkWith({ alg: 'ES384' })],
  ['a point that is not on the curve', 'user-proof-untrusted', jwkWith({ y: mine.jwk.x })],
  ['a key without kty', 'user-proof-untrusted', jwkWith({ kty: undefined })],
  ['a key of __proto__', 'user-proof-malformed', heading(`{"alg":"ES256","typ":"dpop+jwt","jwk":{"__proto__":${JSON.stringify(mine.jwk)}}}`)],
  ['RSA with 1024 bits', 'user-proof-untrusted', proving({ key: { ...weak, alg: 'PS256' } }, boundTo(weak))],
  ['a signature that is changed', 'user-proof-untrusted', shown(token, `${proof().split('.').slice(0, 2).join('.')}.${proof().split('.')[2]}`)],
  ['a signature of r = s = 0', 'user-proof-untrusted', shown(token, `${proof().split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`)],
  ['signed by another key than jwk', 'user-proof-untrusted', shown(token, proof({ key: theirs, header: { jwk: mine.jwk } }))],
  ['a key that is known, with a token bound to another', 'user-token-not-bound', proving({}, boundTo(theirs))],
  ['the key of a thief', 'user-token-not-bound', proving({ key: theirs })],
  ['another method', 'user-proof-of-another-request', claiming({ htm: 'POST' })],
  ['the method in lower case', 'user-proof-of-another-request', claiming({ htm: 'get' })],
  ['another path', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example/order' })],
  ['a path below', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example/orders/' })],
  ['the path in capitals', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example/Orders' })],
  ['another host', 'user-proof-of-another-request', claiming({ htu: 'https://evil.example/orders' })],
  ['another port', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example:8443/orders' })],
  ['http', 'user-proof-of-another-request', claiming({ htu: 'http://orders.shop.example/orders' })],
  ['our host as a user of theirs', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example@evil.example/orders' })],
  ['a backslash', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example\\orders' })],
  ['a space in front', 'user-proof-of-another-request', claiming({ htu: ' https://orders.shop.example/orders' })],
  ['a tab inside', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example/or\tders' })],
  ['a relative htu', 'user-proof-of-another-request', claiming({ htu: '/orders' })],
  ['an encoded slash', 'user-proof-of-another-request', claiming({ htu: 'https://orders.shop.example/a%2forders' })],
  ['the hash of another token', 'user-proof-of-another-request', claiming({ ath: sha256(unbound) })],
  ['the hash in hex', 'user-proof-of-another-request', claiming({ ath: createHash('sha256').update(token).digest('hex') })],
  ...['jti', 'htm', 'htu', 'iat', 'ath'].map((name): Vector => [`no ${name}`, 'user-proof-malformed', claiming({ [name]: undefined })]),
  ['an empty jti', 'user-proof-malformed', claiming({ jti: '' })],
  ['a jti of 256 characters', 'user-proof-malformed', claiming({ jti: 'x'.repeat(256) })],
  ['iat as text', 'user-proof-malformed', claiming({ iat: String(now) })],
  ['iat in milliseconds', 'user-proof-malformed', claiming({ iat: nowMs })],
  ['htm as a list', 'user-proof-malformed', claiming({ htm: ['GET'] })],
  ['a proof that is too old', 'user-proof-untimely', claiming({ iat: now - 60 })],
  ['a proof for later', 'user-proof-untimely', claiming({ iat: now + 11 })],
];

void test('who proves to hold the key of the token is served', async (t) => {
  for (const [what, headers, asked] of accepted) {
    t.notHas(await ask({ headers, route: everyone, ...asked }), { code: String }, what);
  }
});

void test('each attack on a bound token is refused for its reason', async (t) => {
  for (const [what, code, headers, asked] of refused) {
    const answer = await ask({ headers, route: everyone, ...asked });
    t.equal('code' in answer ? answer.code : 'accepted', code, what);
    t.equal(answer.counted[0], 'refused', what);
    const detail = 'detail' in answer ? String(answer.detail) : '';
    t.notOk(/alice|evil|proof-\d|eyJ/.test(detail), `${what}: no value of proof or token in ${detail}`);
  }
});

void test('a proof is good once, as long as it is good at all', async (t) => {
  const headers = proving({ claims: { iat: now } }, boundTo(mine, { exp: now + 3600 }));
  const again = { headers, route: everyone };
  t.match(await ask(again), { user: { claims: { keyThumbprint: thumbprint(mine) } } });
  t.match(await ask(again), { code: 'user-proof-used' });
  const other = { ...orders, path: '/other' };
  t.match(await ask({ ...again, target: other }), { code: 'user-proof-of-another-request' });
  const at = (ms: number) => ({ ...again, atMs: (clock.ms = nowMs + ms) });
  t.match(await ask(at(59_999)), { code: 'user-proof-used' });
  t.match(await ask(at(60_000)), { code: 'user-proof-untimely' });
  t.match(
    await ask({ ...again, atMs: nowMs + 59_999 }),
    { code: 'user-proof-untimely' },
    'not too old when the request came, but when the proof is used up',
  );
  const { algorithms } = dpop;
  const longer: IssuerConfig = { ...staff, dpop: { required: true, algorithms, maxAgeMs: longest.proofAgeMs } };
  const reloaded = asking(await verifierFor([[longer, [issuerKey]]]), uses, [longer]);
  t.match(await reloaded(at(60_000)), { code: 'user-proof-used' }, 'also when a reload lets proofs live longer');
  t.match(await reloaded(at(longest.proofAgeMs - 1)), { code: 'user-proof-used' });
  t.match(await reloaded(at(longest.proofAgeMs)), { code: 'user-proof-untimely' });
  clock.ms = nowMs;
  const second = boundTo(theirs);
  const jti = { jti: 'the same' };
  t.notHas(await ask({ headers: proving({ claims: jti }), route: everyone }), { code: String });
  t.notHas(
    await ask({ headers: proving({ claims: jti, key: theirs }, second), route: everyone }),
    { code: String },
    'the jti of another client is not in the way',
  );
});

void test('a refused proof uses nothing up, and without room for one more it is refused', async (t) => {
  const bad = proof({ claims: { jti: 'tried', htm: 'PUT' } });
  t.match(await ask({ headers: shown(token, bad), route: everyone }), { code: 'user-proof-of-another-request' });
  t.notHas(await ask({ headers: claiming({ jti: 'tried' }), route: everyone }), { code: String });
  const taken: string[] = [];
  const full = asking(tokens, { take: (owner) => (taken.push(owner), 'full') }, issuers);
  const once = { ...everyone, singleUse: true };
  t.match(await full({ headers: proving({}), route: once }), { code: 'overloaded' });
  t.same(taken, [thumbprint(mine)], 'and the token is not used up by it');
});

void test('a refusal names the schemes that are taken, and their algorithms', async (t) => {
  const algs = 'algs="ES256 PS256"';
  const challenges = async (asked: Asked) => {
    const answer = await ask(asked);
    return 'headers' in answer ? (answer.headers ?? []).filter((_, at) => at % 2 === 1) : undefined;
  };
  const dpopOnly = { ...required, issuers: ['staff'] };
  t.same(await challenges({ route: dpopOnly }), [`DPoP ${algs}`]);
  t.same(await challenges({ route: everyone }), ['Bearer', `DPoP ${algs}`]);
  t.same(await challenges({ route: dpopOnly, headers: bearer(token) }), [`DPoP error="invalid_token", ${algs}`]);
  t.same(await challenges({ route: everyone, headers: bearer(token) }), [
    'Bearer error="invalid_token"',
    `DPoP ${algs}`,
  ]);
  t.same(await challenges({ route: everyone, headers: claiming({ htm: 'PUT' }) }), [
    'Bearer',
    `DPoP error="invalid_dpop_proof", ${algs}`,
  ]);
  t.same(await challenges({ route: dpopOnly, headers: shown('x', proof()) }), [`DPoP error="invalid_token", ${algs}`]);
  t.same(await challenges({ route: dpopOnly, query: [['access_token', 'x']] }), [
    `DPoP error="invalid_request", ${algs}`,
  ]);
  const plainOnly = { ...required, issuers: ['plain'] };
  t.same(await challenges({ route: plainOnly, headers: claiming({}) }), [], 'not of this route: nothing to ask for');
  t.same(await challenges({ route: plainOnly, headers: ['authorization', 'DPoP x'] }), [
    'Bearer error="invalid_token"',
  ]);
});

void test('a proof that another library makes is understood, for each algorithm', async (t) => {
  const algorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'] as const;
  const issuer: IssuerConfig = { ...staff, dpop: { required: true, algorithms, maxAgeMs: 60_000 } };
  const askAll = asking(await verifierFor([[issuer, [issuerKey]]]), undefined, [issuer]);
  for (const alg of algorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    const jwk = await exportJWK(publicKey);
    const bound = mint(issuerKey, { ...goodClaims, cnf: { jkt: await calculateJwkThumbprint(jwk) } });
    const made = await new SignJWT({ htm: 'GET', htu: 'https://orders.shop.example/orders', ath: sha256(bound) })
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk })
      .setIssuedAt(now)
      .setJti('one')
      .sign(privateKey);
    t.match(await askAll({ headers: shown(bound, made) }), { user: { issuer: 'staff' } }, alg);
  }
});

void test('two spellings of one resource are the same, and no others', (t) => {
  const same = (one: string, other: string) => isSameResource(one, other) && isSameResource(other, one);
  t.ok(same('https://[2001:DB8::1]/a', 'https://[2001:db8:0::1]:443/a?x#y'));
  t.ok(same('https://a.example/%7Eb', 'https://a.example/~b'));
  t.notOk(same('https://a.example/%2541', 'https://a.example/A'), 'decoded once');
  t.notOk(same('https://a.example/a%2Fb', 'https://a.example/a/b'), 'an encoded slash is none');
  t.notOk(same('https://a.example/a//b', 'https://a.example/a/b'));
  t.notOk(same('https://a.example/..%2f', 'https://a.example/'));
  for (const odd of [
    '',
    'https://',
    'https:///a',
    'https://a.example:99999/',
    'https://a b/',
    'https://ä.example/',
    'https://%61.example/',
    'wss://a.example/',
  ]) {
    t.notOk(isSameResource(odd, 'https://a.example/'), odd);
    t.notOk(isSameResource(odd, 'https://a/'), odd);
  }
  t.end();
});
