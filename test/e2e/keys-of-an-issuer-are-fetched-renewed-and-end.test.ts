import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { test } from 'tap';
import { startHttps, startHttpsServer } from '../harness/https-server.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { realIssuer, tokenRequest } from '../harness/real-issuer.ts';
import { jwks, mint, part, type TokenKey, tokenKey } from '../harness/user-tokens.ts';
import { startWorkload } from '../harness/workload.ts';

const [one, two, other] = [tokenKey('one'), tokenKey('two'), tokenKey('other', 'rsa')];
const weak = tokenKey('weak', 'rsa', { bits: 1024, exponent: 65_537 });
const seconds = () => Math.floor(Date.now() / 1000);

void test('a token is verified with what the server of its issuer says, and with nothing when that is too old', async (t) => {
  const [workload, server] = [await startWorkload(), await startHttpsServer(t)];
  t.teardown(workload.close);
  const idp = await startHttps(t, (issuer) => realIssuer(issuer, 'https://orders.shop.example'));
  const { origin, documents, asked } = server;
  const staff = `${origin}/staff`;
  const guests = `${origin}/guests`;
  documents.set('/staff/.well-known/openid-configuration', {
    body: JSON.stringify({ issuer: staff, jwks_uri: `${origin}/staff.json` }),
  });
  documents.set('/staff.json', { body: jwks(one) });
  documents.set('/guests.json', { body: jwks(other) });
  const common = {
    realm: 'internal',
    algorithms: ['ES256', 'RS256'],
    audience: ['orders', 'https://orders.shop.example'],
  };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      issuers: [
        { ...common, name: 'staff', issuer: staff, jwks_uri: 'discovery', refresh: '1h', max_key_age: '2h' },
        { ...common, name: 'idp', issuer: idp.origin, jwks_uri: 'discovery' },
        {
          ...common,
          name: 'guests',
          issuer: guests,
          jwks_uri: `${origin}/guests.json`,
          refresh: '1s',
          max_key_age: '4s',
        },
      ],
      fetch: { allow: ['127.0.0.1'], ca: './ca.pem' },
      limits: { keep_alive: '5m' },
      routes: [{ name: 'all', methods: ['GET'], path: '/{rest...}', user: { issuers: ['staff', 'guests', 'idp'] } }],
    },
    files: { 'ca.pem': server.caPem + idp.caPem },
  });
  const kept = await keepConnection(proxy.port, await proxy.issue(clientId));
  const minted = (key: TokenKey, iss: string) => {
    const iat = seconds();
    return mint(key, { iss, sub: 'alice', aud: 'orders', iat, exp: iat + 60 });
  };
  const show = async (token: string) => {
    const { status, body } = await kept.ask('/a', [`authorization: Bearer ${token}`]);
    return status === 200 ? 'served' : (JSON.parse(body) as { code: string }).code;
  };
  const ask = (key: TokenKey, iss: string) => show(minted(key, iss));
  const changes = (name: string) =>
    proxy.audit().filter(({ type, detail }) => type === 'keys.change' && String(detail).startsWith(`${name}: `));

  await t.test('keys that are rotated at the issuer', async (t) => {
    t.same(
      [await ask(one, staff), await ask(other, guests), await ask(other, staff)],
      ['served', 'served', 'user-token-untrusted'],
    );
    const allAsked = Promise.withResolvers<void>();
    documents.set('/staff.json', { body: jwks(one, two), after: allAsked.promise });
    const before = asked.filter((path) => path === '/staff.json').length;
    for (let index = 0; index < 20; index++) t.equal(await ask(two, staff), 'user-token-untrusted');
    allAsked.resolve();
    await proxy.untilRecord(() => changes('staff').length === 1);
    t.match(changes('staff'), [{ detail: /^staff: keys one, two; sha256 [0-9a-f]{64}$/ }]);
    t.same([await ask(one, staff), await ask(two, staff)], ['served', 'served']);
    const times = asked.filter((path) => path === '/staff.json').length - before;
    t.ok(times >= 1 && times <= 2, `${times} times for all of them together`);
  });

  await t.test('an OpenID provider that is real', async (t) => {
    const { path, headers, body } = tokenRequest;
    const sent = request(`${idp.origin}${path}`, { method: 'POST', headers, ca: idp.caPem });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const { access_token: token } = (await json(response)) as { access_token: string };
    t.match(await kept.ask('/a', [`authorization: Bearer ${token}`]), { status: 200 });
    const record = await proxy.untilRecord(({ user }) => (user as { iss?: string } | undefined)?.iss === idp.origin);
    t.match(record, { user: { sub: 'web', realm: 'internal' } });
    const [head, , signature] = token.split('.');
    const claims = { iss: idp.origin, sub: 'root', aud: 'orders', iat: seconds(), exp: seconds() + 60 };
    t.match(await kept.ask('/a', [`authorization: Bearer ${[head, part(claims), signature].join('.')}`]), {
      status: 401,
    });
  });

  await t.test('a server that fails, until its keys are too old', async (t) => {
    documents.set('/guests.json', { body: jwks(other, weak) });
    const failed = await proxy.untilRecord(({ type }) => type === 'fetch.failed');
    t.match(failed, { reason: 'fetch-refused', detail: /guests\.json: \/keys\/1 is an RSA key of 1024 bits/ });
    t.equal(await ask(other, guests), 'served');
    await proxy.untilRecord(() => changes('guests').length === 1);
    t.match(changes('guests'), [{ detail: 'guests: no keys are there, or none that are believed any more' }]);
    t.equal(await ask(other, guests), 'user-keys-unavailable');
    const denied = await proxy.untilRecord(({ reason }) => reason === 'user-keys-unavailable');
    t.match(denied, { type: 'authz.error', status: 503 });
    t.equal(await ask(one, staff), 'served', 'the other issuer goes on');
    documents.set('/guests.json', { body: jwks(other) });
    await proxy.untilRecord(() => changes('guests').length === 2);
    t.equal(await ask(other, guests), 'served');
    t.ok((await proxy.metric('portcullis_fetches_total{kind="issuer-keys",outcome="failed"}')) > 0);
  });

  await t.test('a key that the issuer has removed, and a token that was remembered', async (t) => {
    const token = minted(other, guests);
    t.same([await show(token), await show(token)], ['served', 'served']);
    documents.set('/guests.json', { body: jwks(two) });
    await proxy.untilRecord(() => changes('guests').length === 3);
    t.equal(await show(token), 'user-token-untrusted');
    t.equal(await ask(two, guests), 'served');
  });
});
