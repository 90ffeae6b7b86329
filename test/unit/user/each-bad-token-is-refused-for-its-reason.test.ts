import { createHash, createPublicKey, sign } from 'node:crypto';
import { test } from 'tap';
import { denialRow } from '../../../proxy/denial.ts';
import { mint, mintWithSecret, part, type TokenKey, tokenKey } from '../../harness/user-tokens.ts';
import { type Asked, asking, bearer, fingerprint, goodClaims, now, required, staff, verifierFor } from './verified.ts';

const key = tokenKey('one');
const rsa = tokenKey('rsa', 'rsa');
const edwards = tokenKey('edwards', 'ed25519');
const p384 = tokenKey('p384', 'P-384');
const foreign = tokenKey('one');
const partnerKey = tokenKey('one');
const partner = { ...staff, name: 'partner', issuer: 'https://id.partner.example', realm: 'federated' } as const;

const tokens = await verifierFor([
  [staff, [key, rsa, edwards, p384]],
  [partner, [partnerKey]],
]);
const ask = asking(tokens);

const good = mint(key, goodClaims);
const [head = '', body = '', signature = ''] = good.split('.');
const without = (name: string) => Object.fromEntries(Object.entries(goodClaims).filter(([claim]) => claim !== name));
const claiming = (claims: object) => bearer(mint(key, { ...goodClaims, ...claims }));
const heading = (header: object) => bearer(mint(key, goodClaims, header as never));
const thumbprint = Buffer.from(fingerprint, 'hex').toString('base64url');
const zeroSignature = Buffer.alloc(64).toString('base64url');
const derSignature = sign('sha256', Buffer.from(`${head}.${body}`), key.privateKey).toString('base64url');
const secretly = (secret: string, kid: string, alg = 'HS256') =>
  bearer(mintWithSecret(secret, goodClaims, { alg, typ: 'at+jwt', kid }));
const pem = ({ privateKey }: TokenKey) => String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
const text = JSON.stringify(goodClaims);

type Vector = readonly [what: string, code: string, asked: Asked | readonly string[]];

const accepted: readonly (readonly [what: string, asked: Asked | readonly string[]])[] = [
  ['a good token', bearer(good)],
  ['the scheme in another case', ['authorization', `bEARER ${good}`]],
  ['RS256', bearer(mint(rsa, goodClaims))],
  ['PS256 with the key of RS256', bearer(mint({ ...rsa, alg: 'PS256' }, goodClaims))],
  ['EdDSA', bearer(mint(edwards, goodClaims))],
  ['aud as a list with one of ours', claiming({ aud: ['other', 'https://orders.shop.example'] })],
  ['application/at+jwt', heading({ typ: 'application/AT+JWT' })],
  ['exp a moment ago, within the tolerance', claiming({ exp: now - 9 })],
  ['nbf in a moment, within the tolerance', claiming({ nbf: now + 9 })],
  ['iat in a moment, within the tolerance', claiming({ iat: now + 9 })],
  ['a time with a fraction', claiming({ exp: now + 0.5 })],
  ['bound to the certificate of this client', claiming({ cnf: { 'x5t#S256': thumbprint } })],
  ['no jti', bearer(mint(key, without('jti')))],
  ['no kid where one key fits', bearer(mint({ ...key, kid: undefined }, goodClaims))],
  [
    'claims called __proto__ and constructor',
    bearer(mint(key, `${text.slice(0, -1)},"__proto__":{"sub":"root"},"constructor":1}`)),
  ],
  ['a missing token where that is allowed', { route: { ...required, optional: true } }],
];

// biome-ignore format: a table reads as a table
const refused: readonly Vector[] = [
  ['nothing', 'user-token-missing', []],
  ['another scheme', 'user-token-unsupported', ['authorization', 'Basic YWxpY2U6eA==']],
  ['a DPoP token', 'user-token-unsupported', ['authorization', `DPoP ${good}`]],
  ['no scheme', 'user-token-unsupported', ['authorization', good]],
  ['another scheme where a token is optional', 'user-token-unsupported', { headers: ['authorization', 'Basic x'], route: { ...required, optional: true } }],
  ['a bad token where a token is optional', 'user-token-malformed', { headers: bearer('x'), route: { ...required, optional: true } }],
  ['an empty token', 'user-token-malformed', ['authorization', 'Bearer ']],
  ['the scheme alone', 'user-token-malformed', ['authorization', 'Bearer']],
  ['two spaces', 'user-token-malformed', ['authorization', `Bearer  ${good}`]],
  ['a tab', 'user-token-unsupported', ['authorization', `Bearer\t${good}`]],
  ['a second token behind a comma', 'user-token-malformed', ['authorization', `Bearer ${good}, Bearer ${good}`]],
  ['two headers', 'user-token-misplaced', [...bearer(good), 'AUTHORIZATION', `Bearer ${good}`]],
  ['a token in the query', 'user-token-misplaced', { query: [['access_token', good]] }],
  ['a token in the query and a good one', 'user-token-misplaced', { headers: bearer(good), query: [['a', 'b'], ['Access_Token', 'x']] }],
  ['more than 8192 characters', 'user-token-malformed', claiming({ more: 'x'.repeat(8192) })],
  ['two parts', 'user-token-malformed', bearer(`${head}.${body}`)],
  ['four parts', 'user-token-malformed', bearer(`${good}.x`)],
  ['five parts: encrypted', 'user-token-unsupported', bearer(`${good}.x.y`)],
  ['an empty header', 'user-token-malformed', bearer(`.${body}.${signature}`)],
  ['an empty payload', 'user-token-malformed', bearer(`${head}..${signature}`)],
  ['an empty signature', 'user-token-malformed', bearer(`${head}.${body}.`)],
  ['padding', 'user-token-malformed', bearer(`${head}.${body}.${signature}=`)],
  ['base64 instead of base64url', 'user-token-malformed', bearer(`${head}.${body}.${'+/'.repeat(43)}`)],
  ['bits left over at the end', 'user-token-malformed', bearer(`${head}.${body}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}`)],
  ['a line break inside', 'user-token-malformed', bearer(`${head}\n.${body}.${signature}`)],
  ['a header that is no JSON', 'user-token-malformed', bearer(mint(key, goodClaims, '{'))],
  ['a header that is a list', 'user-token-malformed', bearer(mint(key, goodClaims, '["ES256"]'))],
  ['alg twice', 'user-token-malformed', bearer(mint(key, goodClaims, '{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"one"}'))],
  ['alg twice, once escaped', 'user-token-malformed', bearer(mint(key, goodClaims, '{"alg":"ES256","\\u0061lg":"none","typ":"at+jwt"}'))],
  ['a byte order mark', 'user-token-malformed', bearer(mint(key, goodClaims, '\ufeff{"alg":"ES256","typ":"at+jwt","kid":"one"}'))],
  ['no alg', 'user-token-malformed', bearer(mint(key, goodClaims, '{"typ":"at+jwt","kid":"one"}'))],
  ['alg as a list', 'user-token-malformed', heading({ alg: ['ES256'] })],
  ['kid as a number', 'user-token-malformed', heading({ kid: 1 })],
  ['an empty kid', 'user-token-malformed', heading({ kid: '' })],
  ['a kid of 257 characters', 'user-token-malformed', heading({ kid: 'k'.repeat(257) })],
  ['typ as a number', 'user-token-malformed', heading({ typ: 1 })],
  ['crit of an unknown extension', 'user-token-unsupported', heading({ crit: ['exp'], exp: 1 })],
  ['crit that is empty', 'user-token-unsupported', heading({ crit: [] })],
  ['b64 false (RFC 7797)', 'user-token-unsupported', heading({ b64: false, crit: ['b64'] })],
  ['b64 false without crit', 'user-token-unsupported', heading({ b64: false })],
  ['enc in the header', 'user-token-unsupported', heading({ enc: 'A256GCM' })],
  ['a key in the header (CVE-2018-0114)', 'user-token-unsupported', bearer(mint(foreign, goodClaims, { jwk: foreign.jwk }))],
  ['jku', 'user-token-unsupported', bearer(mint(foreign, goodClaims, { jku: 'https://evil.example/jwks' }))],
  ['x5u', 'user-token-unsupported', bearer(mint(foreign, goodClaims, { x5u: 'https://evil.example/chain' }))],
  ['x5c', 'user-token-unsupported', bearer(mint(foreign, goodClaims, { x5c: ['MII'] }))],
  ['alg none without signature', 'user-token-malformed', bearer(`${part({ alg: 'none', typ: 'at+jwt' })}.${body}.`)],
  ['alg none', 'user-token-untrusted', heading({ alg: 'none' })],
  ['alg None', 'user-token-untrusted', heading({ alg: 'None' })],
  ['alg in another case', 'user-token-untrusted', heading({ alg: 'es256' })],
  ['HS256 with the PEM of the key as secret', 'user-token-untrusted', secretly(pem(key), 'one')],
  ['HS256 with the PEM of the RSA key as secret', 'user-token-untrusted', secretly(pem(rsa), 'rsa')],
  ['HS512 with that PEM without its last line end', 'user-token-untrusted', secretly(pem(rsa).trimEnd(), 'rsa', 'HS512')],
  ['HS256 with the JWK as secret', 'user-token-untrusted', secretly(JSON.stringify(key.jwk), 'one')],
  ['HS256 with nothing as secret', 'user-token-untrusted', secretly('', 'one')],
  ['an algorithm that is not configured', 'user-token-untrusted', bearer(mint(p384, goodClaims))],
  ['an algorithm that the key is not for', 'user-token-untrusted', heading({ alg: 'RS256' })],
  ['PS256 announced, RS256 made', 'user-token-untrusted', bearer(mint(rsa, goodClaims, { alg: 'PS256' }))],
  ['a JWT where access tokens are wanted', 'user-token-untrusted', heading({ typ: 'JWT' })],
  ['no typ where access tokens are wanted', 'user-token-untrusted', heading({ typ: undefined })],
  ['a DPoP proof', 'user-token-untrusted', heading({ typ: 'dpop+jwt' })],
  ['a logout token', 'user-token-untrusted', heading({ typ: 'logout+jwt' })],
  ['a kid that nobody has', 'user-token-untrusted', heading({ kid: 'two' })],
  ['a kid that is a path', 'user-token-untrusted', heading({ kid: '../../../dev/null' })],
  ['a kid that is SQL', 'user-token-untrusted', heading({ kid: "x' UNION SELECT 'key" })],
  ['a kid that every object has', 'user-token-untrusted', heading({ kid: '__proto__' })],
  ['the kid of another key', 'user-token-untrusted', heading({ kid: 'rsa' })],
  ['a foreign key', 'user-token-untrusted', bearer(mint(foreign, goodClaims))],
  ['the key of another issuer', 'user-token-untrusted', bearer(mint(partnerKey, goodClaims))],
  ['our key for another issuer', 'user-token-untrusted', claiming({ iss: partner.issuer })],
  ['a changed payload', 'user-token-untrusted', bearer(`${head}.${part({ ...goodClaims, sub: 'root' })}.${signature}`)],
  ['a changed header', 'user-token-untrusted', bearer(`${part({ alg: 'ES256', typ: 'at+jwt', kid: 'one', x: 1 })}.${body}.${signature}`)],
  ['the signature of another token', 'user-token-untrusted', bearer(`${head}.${body}.${mint(key, { ...goodClaims, sub: 'b' }).split('.')[2]}`)],
  ['a signature of r = s = 0 (CVE-2022-21449)', 'user-token-untrusted', bearer(`${head}.${body}.${zeroSignature}`)],
  ['a signature in DER', 'user-token-untrusted', bearer(`${head}.${body}.${derSignature}`)],
  ['a signature that is too short', 'user-token-untrusted', bearer(`${head}.${body}.${Buffer.alloc(63, 1).toString('base64url')}`)],
  ['an unknown issuer', 'user-token-untrusted', claiming({ iss: 'https://evil.example' })],
  ['the issuer with a slash behind', 'user-token-untrusted', claiming({ iss: `${staff.issuer}/` })],
  ['the issuer in capitals', 'user-token-untrusted', claiming({ iss: staff.issuer.toUpperCase() })],
  ['a payload that is no JSON', 'user-token-malformed', bearer(mint(key, 'alice'))],
  ['a token inside of a token', 'user-token-malformed', bearer(mint(key, good, { cty: 'JWT' }))],
  ['a payload that is a list', 'user-token-malformed', bearer(mint(key, '[]'))],
  ['sub twice', 'user-token-malformed', bearer(mint(key, `${text.slice(0, -1)},"sub":"root"}`))],
  ['a member twice deep inside', 'user-token-malformed', bearer(mint(key, `${text.slice(0, -1)},"a":{"b":[{"c":1,"c":2}]}}`))],
  ['bytes that are not UTF-8', 'user-token-malformed', bearer(`${head}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature}`)],
  ['a lone surrogate', 'user-token-malformed', bearer(mint(key, `${text.slice(0, -1)},"a":"\\ud800"}`))],
  ['17 levels', 'user-token-malformed', bearer(mint(key, `${text.slice(0, -1)},"a":${'['.repeat(17)}${']'.repeat(17)}}`))],
  ['an integer that readers round', 'user-token-malformed', bearer(mint(key, `${text.slice(0, -1)},"uid":9007199254740993}`))],
  ...['iss', 'sub', 'aud', 'exp', 'iat'].map((name): Vector => [`no ${name}`, 'user-token-malformed', bearer(mint(key, without(name)))]),
  ['iss as a list', 'user-token-malformed', claiming({ iss: [staff.issuer] })],
  ['sub as a number', 'user-token-malformed', claiming({ sub: 1 })],
  ['an empty sub', 'user-token-malformed', claiming({ sub: '' })],
  ['a sub of 256 characters', 'user-token-malformed', claiming({ sub: 's'.repeat(256) })],
  ['jti as a number', 'user-token-malformed', claiming({ jti: 1 })],
  ['aud as an empty list', 'user-token-malformed', claiming({ aud: [] })],
  ['aud as a list with a number', 'user-token-malformed', claiming({ aud: ['orders', 1] })],
  ['aud as an object', 'user-token-malformed', claiming({ aud: { orders: true } })],
  ['exp as text', 'user-token-malformed', claiming({ exp: String(now + 240) })],
  ['exp null', 'user-token-malformed', claiming({ exp: null })],
  ['exp beyond the year 9999', 'user-token-malformed', claiming({ exp: now * 1000 })],
  ['a negative exp', 'user-token-malformed', claiming({ exp: -1 })],
  ['nbf as text', 'user-token-malformed', claiming({ nbf: '0' })],
  ['iat as text', 'user-token-malformed', claiming({ iat: '0' })],
  ['expired', 'user-token-expired', claiming({ exp: now - 10 })],
  ['issued too long ago', 'user-token-expired', claiming({ iat: now - 3610, exp: now + 240 })],
  ['nbf in the future', 'user-token-not-yet-valid', claiming({ nbf: now + 11 })],
  ['iat in the future', 'user-token-not-yet-valid', claiming({ iat: now + 11 })],
  ['another audience', 'user-token-wrong-audience', claiming({ aud: 'billing' })],
  ['an audience that only begins like ours', 'user-token-wrong-audience', claiming({ aud: ['orders-admin', 'ORDERS'] })],
  ['bound to another certificate', 'user-token-not-bound', claiming({ cnf: { 'x5t#S256': createHash('sha256').update('x').digest('base64url') } })],
  ['cnf as text', 'user-token-malformed', claiming({ cnf: thumbprint })],
  ['a thumbprint that is none', 'user-token-malformed', claiming({ cnf: { 'x5t#S256': fingerprint } })],
  ['bound to a DPoP key', 'user-token-unsupported', claiming({ cnf: { jkt: thumbprint } })],
  ['bound to our certificate and to a DPoP key', 'user-token-unsupported', claiming({ cnf: { 'x5t#S256': thumbprint, jkt: thumbprint } })],
  ['bound to something unknown', 'user-token-unsupported', claiming({ cnf: { kid: 'one' } })],
  ['bound to nothing', 'user-token-malformed', claiming({ cnf: {} })],
  ['a good token of an issuer that this route does not serve', 'user-not-of-this-route', bearer(mint(partnerKey, { ...goodClaims, iss: partner.issuer }))],
];

const isHeaders = (asked: Asked | readonly string[]): asked is readonly string[] => Array.isArray(asked);
const request = (asked: Asked | readonly string[]): Asked => (isHeaders(asked) ? { headers: asked } : asked);

void test('what is good is accepted', async (t) => {
  for (const [what, asked] of accepted) t.notHas(await ask(request(asked)), { code: String }, what);
  t.equal((await ask({ headers: bearer(good) })).counted[0], 'remembered');
});

void test('each bad token is refused for its reason', async (t) => {
  for (const [what, code, asked] of refused) {
    const answer = await ask(request(asked));
    t.equal('code' in answer ? answer.code : 'accepted', code, what);
    // RFC 9110 section 15.5.2: a 401 says which credential is wanted.
    const challenged = 'headers' in answer && answer.headers?.[0] === 'www-authenticate';
    t.equal(challenged, denialRow(code as 'forbidden').status !== 403, what);
    const detail = 'detail' in answer ? String(answer.detail) : '';
    t.notOk(/alice|evil|dev\/null|UNION|\d{6}/.test(detail), `${what}: no value of the token in ${detail}`);
  }
});
