import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { test } from 'tap';
import type { IntrospectionConfig, IssuerConfig } from '../../../proxy/config/token-config.ts';
import { type Denial, deny } from '../../../proxy/denial.ts';
import { Departure } from '../../../proxy/departure.ts';
import { openIntrospections } from '../../../proxy/fetch/introspection.ts';
import { type Claims, readClaims } from '../../../proxy/user/claims.ts';
import { openIntrospection } from '../../../proxy/user/introspection.ts';
import { startHttps } from '../../harness/https-server.ts';
import { mint, tokenKey } from '../../harness/user-tokens.ts';
import { asking, bearer, goodClaims, nowMs, required, staff, verifierFor } from './verified.ts';

const key = tokenKey('one');
const introspection: IntrospectionConfig = {
  endpoint: '',
  clientId: 'orders service',
  clientSecretFile: '/secret',
  caFile: undefined,
  timeoutMs: 2000,
  maxAgeMs: 0,
  maxEntries: 10,
};
const clientSecret = 'a:b c%';
const allowed = { allow: ['127.0.0.0/8'], caFile: undefined };
const claims = readClaims({ ...goodClaims, client_id: 'web', aud: ['orders', 'billing'] }) as Claims;
const shown = (token = 'a.b.c', atMs = nowMs) => ({ token, claims, nowMs: atMs });
const uncounted = () => undefined;
const revoked = 'user-token-revoked';
const unavailable = 'user-introspection-unavailable';

type Case = readonly [what: string, answer: RequestListener | object | string, code?: string, detail?: RegExp];

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end('{"active":true}');
const active = {
  active: true,
  iss: goodClaims.iss,
  sub: 'alice',
  exp: goodClaims.exp,
  client_id: 'web',
  jti: 'token-1',
};

const cases: readonly Case[] = [
  ['active', { active: true }],
  ['active, and all of it is right', { ...active, aud: ['orders', 'billing'], scope: 'a', token_type: 'Bearer' }],
  ['aud as text', { active: true, aud: 'orders' }],
  ['a type with a parameter', status(200, { 'content-type': 'application/json; charset=utf-8' })],
  ['not active', { active: false }, revoked, /not active/],
  ['not active, with more', { ...active, active: false }, revoked],
  ['active as text', { active: 'true' }, unavailable, /`active`/],
  ['active as a number', { active: 1 }, unavailable, /`active`/],
  ['nothing of it', {}, unavailable, /`active`/],
  ['active twice', '{"active":false,"active":true}', unavailable, /no acceptable JSON object/],
  ['a list', '[{"active":true}]', unavailable, /no acceptable JSON object/],
  ['true alone', 'true', unavailable, /no acceptable JSON object/],
  ['no JSON', 'active', unavailable, /no acceptable JSON object/],
  ['nothing', '', unavailable, /no acceptable JSON object/],
  ['another issuer', { ...active, iss: 'https://other.example' }, unavailable, /`iss` of the answer/],
  ['another user', { ...active, sub: 'bob' }, unavailable, /`sub` of the answer/],
  ['another end', { ...active, exp: goodClaims.exp + 1 }, unavailable, /`exp` of the answer/],
  ['an end of another type', { ...active, exp: String(goodClaims.exp) }, unavailable, /`exp` of the answer/],
  ['another client', { ...active, client_id: 'shop' }, unavailable, /`client_id` of the answer/],
  ['another token', { ...active, jti: 'token-2' }, unavailable, /`jti` of the answer/],
  ['for others only', { ...active, aud: ['billing'] }, unavailable, /`aud` of the answer/],
  ['for one more', { ...active, aud: ['orders', 'shipping'] }, unavailable, /`aud` of the answer/],
  ['for nobody', { ...active, aud: [] }, unavailable, /`aud` of the answer/],
  ['aud of a wrong type', { ...active, aud: { orders: true } }, unavailable, /`aud` of the answer/],
  ['a refused client', status(401), unavailable, /status 401/],
  ['a server in trouble', status(500), unavailable, /status 500/],
  ['no content', status(204), unavailable, /status 204/],
  ['a redirect', status(307, { location: '/elsewhere' }), unavailable, /status 307/],
  ['another type', status(200, { 'content-type': 'text/html' }), unavailable, /not JSON/],
  ['a signed answer', status(200, { 'content-type': 'application/token-introspection+jwt' }), unavailable, /not JSON/],
  ['no type', (_, response) => response.end('{"active":true}'), unavailable, /not JSON/],
  [
    'a packed one',
    (_, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('{"active":true}')),
    unavailable,
    /encoded/,
  ],
  ['too large', `{"active":true,"x":"${'x'.repeat(65_536)}"}`, unavailable, /more than 65536 bytes/],
  ['broken off', (_, response) => response.writeHead(200).write('{', () => response.destroy()), unavailable, /./],
];

const whole = (answer: Case[1]): RequestListener => {
  if (typeof answer === 'function') return answer as RequestListener;
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
  return (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
};

type Test = Parameters<typeof startHttps>[0];

/** A real server that answers as it is told, and an issuer that is asked there. */
async function startServer(t: Test) {
  const next: { answer: RequestListener } = { answer: whole({ active: true }) };
  const requests: { head: IncomingMessage; body: string }[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push({ head: request, body: await text(request) });
    next.answer(request, response);
  };
  const { origin, caPem } = await startHttps(t, () => (request, response) => void take(request, response));
  const open = async (
    more: Partial<IntrospectionConfig> = {},
    fetch = allowed,
    rootsPem: string | undefined = caPem,
  ) => {
    const asked = { ...introspection, endpoint: `${origin}/introspect`, ...more };
    const config = { issuers: [{ ...staff, introspection: asked }], fetch, profile: 'standard' } as const;
    return openIntrospections(config, new Map([['staff', { clientSecret, rootsPem }]]));
  };
  return { next, requests, open, origin };
}

void test('each answer of its issuer', async (t) => {
  const { next, requests, open, origin } = await startServer(t);
  const introspect = (await open()).get('staff');
  const ask = async (): Promise<Denial | undefined> => introspect?.(shown(), uncounted);
  for (const [what, answer, code, detail = /./] of cases) {
    next.answer = whole(answer);
    const denial = await ask();
    t.equal(denial?.code, code, what);
    if (denial !== undefined) t.match(denial.detail, detail, what);
    t.notMatch(denial?.detail, /a\.b\.c/, 'the token is in no message');
  }
  t.equal(requests.length, cases.length, 'one call each, and no redirect is followed');
  const sockets = new Set(requests.map(({ head }) => head.socket));
  t.ok(sockets.size < cases.length / 2, 'connections are kept');
  const [first] = requests;
  t.match(first?.head, { method: 'POST', url: '/introspect' });
  t.match(first?.head.headers, {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Basic ${Buffer.from('orders+service:a%3Ab+c%25').toString('base64')}`,
    host: origin.slice('https://'.length),
  });
  t.equal(first?.body, 'token=a.b.c&token_type_hint=access_token');
});

void test('a server that is not to be asked, is not there, or does not answer', async (t) => {
  const { next, requests, open } = await startServer(t);
  const ask = async (opened: ReturnType<typeof open>) => (await opened).get('staff')?.(shown(), uncounted);
  const closed = open({}, { allow: ['10.0.0.0/8'], caFile: undefined });
  t.match(await ask(closed), { code: unavailable, detail: /127\.0\.0\.1.* is not public, and not in `fetch\.allow`/ });
  t.match(await ask(open({ endpoint: 'https://localhost:1/' })), { code: unavailable, detail: /ECONNREFUSED/ });
  const { caPem: stranger } = await startHttps(t, () => () => {});
  t.match(await ask(open({}, allowed, stranger)), { code: unavailable, detail: /certificate/ });
  const config = { issuers: [{ ...staff, introspection }], fetch: allowed, profile: 'standard' } as const;
  t.match(await ask(openIntrospections(config, new Map())), { code: unavailable, detail: /not asked from here/ });
  t.equal(requests.length, 0, 'none of these reached it');
  next.answer = () => {};
  t.match(await ask(open({ timeoutMs: 100 })), { code: unavailable, detail: /within 100 ms/ });
});

void test('only a token that is good here is asked for, and only a good answer uses it up', async (t) => {
  const { next, requests, open } = await startServer(t);
  const issuer: IssuerConfig = { ...staff, introspection };
  const used: string[] = [];
  const uses = { take: (_: string, id: string) => (used.push(id), 'first' as const) };
  const ask = asking(await verifierFor([[issuer, [key]]]), uses, [issuer], await open());
  const token = (more: object = {}, by = key) => bearer(mint(by, { ...goodClaims, ...more }));
  const good = token();
  const route = { ...required, singleUse: true };
  const bad = [
    token({}, tokenKey('one')),
    token({ exp: goodClaims.iat }),
    token({ aud: 'billing' }),
    token({ cnf: { jkt: 'A'.repeat(43) } }),
  ];
  for (const headers of bad) t.match(await ask({ headers, route }), { counted: ['refused'] });
  t.match(await ask({ headers: good, route: { ...route, issuers: ['guests'] } }), { code: 'user-not-of-this-route' });
  t.equal(requests.length, 0);
  next.answer = whole({ active: false });
  t.match(await ask({ headers: good, route }), {
    code: revoked,
    headers: ['www-authenticate', 'Bearer error="invalid_token"'],
    counted: ['refused'],
  });
  next.answer = status(503);
  t.match(await ask({ headers: good, route }), { code: unavailable, headers: undefined });
  t.same(used, []);
  next.answer = whole({ active: true });
  t.match(await ask({ headers: good, route }), { user: { claims: { subject: 'alice' } }, counted: ['remembered'] });
  t.same(used, ['token-1']);
});

void test('who leaves while the server is asked is let go, and uses nothing up', async (t) => {
  const { next, open } = await startServer(t);
  const asked = Promise.withResolvers<void>();
  next.answer = () => asked.resolve();
  const used: string[] = [];
  const uses = { take: (_: string, id: string) => (used.push(id), 'first' as const) };
  const ask = asking(await verifierFor([[{ ...staff, introspection }, [key]]]), uses, [staff], await open());
  const departure = new Departure();
  const route = { ...required, singleUse: true };
  const judged = ask({ headers: bearer(mint(key, goodClaims)), route, departure });
  await asked.promise;
  departure.happened(deny('drain-timeout'));
  t.match(await judged, { code: 'drain-timeout', counted: ['verified'] });
  t.match(await ask({ headers: bearer(mint(key, goodClaims)), route, departure }), { code: 'drain-timeout' });
  t.same(used, []);
});

/** An issuer that answers when it is told to. */
function held(maxAgeMs: number, maxEntries = 2) {
  const waiting: ((answer: string | Error) => void)[] = [];
  const counted: string[] = [];
  const introspect = openIntrospection(
    { maxAgeMs, maxEntries },
    ['orders'],
    async () =>
      new Promise((resolve, reject) => {
        waiting.push((answer) => (typeof answer === 'string' ? resolve(Buffer.from(answer)) : reject(answer)));
      }),
  );
  const ask = (token: string, atMs = nowMs) => introspect(shown(token, atMs), (outcome) => counted.push(outcome));
  const answering = async (token: string, atMs = nowMs, answer: string | Error = '{"active":true}') => {
    const asked = ask(token, atMs);
    waiting.shift()?.(answer);
    return asked;
  };
  return { ask, answering, waiting, counted };
}

void test('who was active is remembered, for its time and in its room', async (t) => {
  const { ask, answering, waiting, counted } = held(10_000);
  t.equal(await answering('one'), undefined);
  t.equal(ask('one', nowMs + 9999), undefined, 'without a call');
  t.same(counted, ['active', 'remembered']);
  t.equal(await answering('one', nowMs + 10_000), undefined);
  t.equal(await answering('one', nowMs), undefined, 'a clock that was put back prolongs nothing');
  t.equal(counted.filter((outcome) => outcome === 'active').length, 3);
  await answering('two');
  await answering('three');
  t.equal(ask('three'), undefined);
  t.ok(ask('one') instanceof Promise, 'the oldest has made room');
  waiting.shift()?.('{"active":true}');
  const end = goodClaims.exp * 1000;
  await answering('late', end - 1000);
  t.equal(ask('late', end - 1), undefined);
  t.ok(ask('late', end) instanceof Promise, 'not beyond `exp`');
});

void test('nothing but a yes is remembered, and with max_age 0 not even that', async (t) => {
  const { answering, counted } = held(10_000);
  t.match(await answering('one', nowMs, '{"active":false}'), { code: revoked });
  t.match(await answering('one', nowMs, new Error('no')), { code: unavailable, detail: 'no' });
  t.equal(await answering('one'), undefined);
  t.same(counted, ['inactive', 'unavailable', 'active']);
  const always = held(0);
  await always.answering('one');
  await always.answering('one');
  t.same(always.counted, ['active', 'active']);
});

void test('a token is asked for once at a time, and no more than 100 are', async (t) => {
  const { ask, waiting, counted } = held(0);
  const same = [ask('0'), ask('0'), ask('0')];
  t.equal(waiting.length, 1);
  const others = Array.from({ length: 99 }, (_, index) => ask(String(index + 1)));
  t.match(ask('100'), { code: unavailable, detail: /too many/ });
  t.equal(waiting.length, 100);
  for (const answer of waiting.splice(0)) answer('{"active":false}');
  const answers = await Promise.all([...same, ...others]);
  t.equal(answers.filter((denial) => denial?.code === revoked).length, 102);
  t.equal(counted.filter((outcome) => outcome === 'inactive').length, 100);
  t.equal(counted.filter((outcome) => outcome === 'remembered').length, 2);
  t.ok(ask('100') instanceof Promise, 'there is room again');
});
