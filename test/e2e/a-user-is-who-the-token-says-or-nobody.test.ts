import { createHash, X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startHttps } from '../harness/https-server.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';
import { jwks, mint, type TokenKey, tokenKey } from '../harness/user-tokens.ts';

const iss = 'https://login.test.example';
const bundle = (...keys: readonly TokenKey[]) =>
  JSON.stringify({ spiffe_sequence: 1, keys: keys.map(({ jwk }) => ({ ...jwk, use: 'jwt-svid' })) });
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');
const key = tokenKey('one');
const next = tokenKey('two', 'rsa');

const balancerId = 'spiffe://test.example/ns/t/sa/balancer';
const webId = 'spiffe://test.example/ns/t/sa/web';

const rego = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

user := input.portcullis.user

decision := {"allow": true, "rule": user.subject} if {
	input.attributes.source.principal == "${clientId}"
	user.realm == "internal"
	"orders:read" in split(user.claims.scope, " ")
	not input.attributes.request.http.headers.authorization
	not input.attributes.request.http.headers.dpop
}

decision := {"allow": true, "rule": "nobody"} if {
	input.portcullis.route.name == "open"
	not input.portcullis.user
}

decision := {"allow": true, "rule": "presented"} if {
	input.portcullis.route.name == "called"
	input.attributes.source.principal == "${webId}"
	input.portcullis.peer.proved_by == "jwt-svid"
	input.portcullis.peer.via.spiffe_id == "${balancerId}"
	not input.portcullis.peer.serial
	not input.attributes.request.http.headers["x-jwt-svid"]
}

decision := {"allow": true, "rule": "seen"} if {
	input.portcullis.route.name == "forwarded"
	startswith(input.attributes.request.http.headers.authorization, "Bearer ey")
}
`;

const issuer = {
  name: 'staff',
  issuer: iss,
  realm: 'internal',
  jwks: './staff.jwks.json',
  algorithms: ['ES256', 'RS256'],
  audience: 'orders',
};
const boundIssuer = { ...issuer, name: 'bound', issuer: 'https://bound.test.example', dpop: 'required' };
const askedIssuer = { ...issuer, name: 'asked', issuer: 'https://asked.test.example' };
const user = { issuers: ['staff'] };
const loadBalancers = { peers: [balancerId], jwt_bundles: { 'test.example': './bundle.json' } };
const domainKey = tokenKey('domain');
const routes = [
  { name: 'called', methods: ['GET'], path: '/called', quota: { requests: 2, per: '1h' } },
  { name: 'orders', methods: ['GET'], path: '/orders', user },
  { name: 'open', methods: ['GET'], path: '/open', user: { ...user, token: 'optional' } },
  { name: 'once', methods: ['GET'], path: '/once', user: { ...user, single_use: true } },
  { name: 'bound', methods: ['GET'], path: '/bound', user: { issuers: ['bound'] } },
  { name: 'asked', methods: ['GET'], path: '/asked', user: { issuers: ['asked'] } },
  { name: 'forwarded', methods: ['GET'], path: '/forwarded', user: { ...user, forward_token: true } },
];

void test('a user is who the token says, or nobody', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const authority = await startAuthority(t);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      issuers: [issuer, boundIssuer, { ...askedIssuer, introspection: authority.introspection }],
      fetch: { allow: ['127.0.0.1'] },
      load_balancers: loadBalancers,
      routes,
      threads: 2,
      drain: '200ms',
      policy: { rego: './policy', engine: 'verify', verify_share: 1 },
    },
    files: { 'policy/authz.rego': rego, 'staff.jwks.json': jwks(key), 'bundle.json': bundle(domainKey) },
  });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss, sub: 'alice', aud: 'orders', iat: now - 5, exp: now + 300, jti: 'id-1', scope: 'orders:read' };
  const token = (more: object = {}, by = key) => mint(by, { ...claims, ...more });
  const ask = async (path: string, bearer?: string) => {
    return send(path, bearer === undefined ? [] : [`Authorization: Bearer ${bearer}`]);
  };
  const send = async (path: string, headers: readonly string[], by = proxy.client) => {
    const { answer, client } = await exchange(proxy.port, by, requestText('GET', path, headers));
    client.close();
    const code = answer?.status === 200 ? undefined : (JSON.parse(answer?.body ?? '{}') as { code: string }).code;
    return { status: answer?.status, code, challenge: answer?.headers.get('www-authenticate') };
  };
  const refused = (code: string, status = 401) => ({ status, code });

  await t.test('a good token is served, its user is on record, and it goes no further', async (t) => {
    t.match(await ask('/orders', token()), { status: 200 });
    t.match(await ask('/orders', token()), { status: 200 });
    const record = await proxy.untilRecord(({ type, rule }) => type === 'authz.allow' && rule === 'alice');
    t.match(record, { user: { iss, sub: 'alice', jti: 'id-1', realm: 'internal' } });
    t.notOk(workload.requests().some(({ headers }) => headers.some((line) => /^authorization:/i.test(line))));
  });

  await t.test('a bad one is refused where it is asked for, and where it is not', async (t) => {
    const [leaf] = proxy.client.certPem.split(/(?<=-----END CERTIFICATE-----)/);
    const own = createHash('sha256')
      .update(new X509Certificate(leaf ?? '').raw)
      .digest('base64url');
    const bound = (thumbprint: string) => token({ cnf: { 'x5t#S256': thumbprint } });
    t.match(await ask('/orders'), { ...refused('user-token-missing'), challenge: 'Bearer' });
    const expired = { exp: now - 60, iat: now - 120 };
    const challenge = 'Bearer error="invalid_token"';
    t.match(await ask('/orders', token(expired)), { ...refused('user-token-expired'), challenge });
    const late = await proxy.untilRecord(({ reason }) => reason === 'user-token-expired');
    t.match(late, { user: { iss, sub: 'alice', jti: 'id-1', realm: 'internal' } }, 'whose it was is on record');
    t.match(await ask('/open', token(expired)), refused('user-token-expired'));
    t.match(await ask('/orders', token({ aud: 'billing' })), refused('user-token-wrong-audience'));
    t.match(await ask('/orders', token({}, tokenKey('one'))), refused('user-token-untrusted'));
    const forged = await proxy.untilRecord(({ reason }) => reason === 'user-token-untrusted');
    t.notOk('user' in forged, 'what nobody has signed names nobody');
    t.match(
      await ask('/orders', bound(createHash('sha256').update('x').digest('base64url'))),
      refused('user-token-not-bound'),
    );
    t.match(await ask('/orders', bound(own)), { status: 200 });
    t.match(await ask('/orders', token({ scope: 'orders:write' })), refused('forbidden', 403));
    t.match(await ask('/orders?access_token=x'), refused('user-token-misplaced', 400));
    t.match(await ask('/open'), { status: 200 });
  });

  await t.test('a token for one use is used once, whichever thread it meets', async (t) => {
    const once = token({ jti: 'id-once' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/once', once)));
    t.equal(answers.filter(({ status }) => status === 200).length, 1);
    t.equal(answers.filter(({ code }) => code === 'user-token-used').length, 7);
    t.match(await ask('/once', mint(key, { ...claims, jti: undefined })), refused('user-token-malformed'));
  });

  await t.test('a token that is bound to a key is served with a fresh proof by that key only', async (t) => {
    const holder = tokenKey(undefined);
    const { kty, crv, x, y } = holder.jwk;
    const jkt = sha256(JSON.stringify({ crv, kty, x, y }));
    const bound = token({ iss: boundIssuer.issuer, cnf: { jkt } });
    const proof = (jti: string, htu = 'https://localhost/bound') => {
      const proven = { jti, htm: 'GET', htu, iat: Math.floor(Date.now() / 1000), ath: sha256(bound) };
      return `DPoP: ${mint(holder, proven, { typ: 'dpop+jwt', jwk: { kty, crv, x, y } })}`;
    };
    const shown = async (...headers: readonly string[]) => send('/bound', [`Authorization: DPoP ${bound}`, ...headers]);
    const once = proof('once');
    const answers = await Promise.all(Array.from({ length: 6 }, async () => shown(once)));
    t.equal(answers.filter(({ status }) => status === 200).length, 1);
    t.equal(answers.filter(({ code }) => code === 'user-proof-used').length, 5, 'whichever thread it meets');
    const served = await proxy.untilRecord(({ type, route }) => type === 'authz.allow' && route === 'bound');
    t.match(served, { user: { iss: boundIssuer.issuer, sub: 'alice', jkt } });
    t.notOk(workload.requests().some(({ headers }) => headers.some((line) => /^dpop:/i.test(line))));
    t.match(await ask('/bound', bound), {
      ...refused('user-proof-missing'),
      challenge: 'DPoP error="invalid_token", algs="ES256"',
    });
    t.match(await shown(), {
      ...refused('user-proof-missing'),
      challenge: 'DPoP error="invalid_dpop_proof", algs="ES256"',
    });
    t.match(await shown(proof('other', 'https://localhost/orders')), refused('user-proof-of-another-request'));
    t.match(await shown(proof('a'), proof('b')), refused('ambiguous-header', 400), 'exactly one');
    t.match(
      await shown(proof('c'), 'Connection: dpop'),
      refused('ambiguous-header', 400),
      'that is not asked to be dropped',
    );
  });

  await t.test('behind a load balancer the caller is who its JWT-SVID says', async (t) => {
    const balancer = await proxy.issue(balancerId);
    const aud = 'spiffe://test.example/ns/t/sa/proxy';
    const svid = (claims: object = {}, by = domainKey) =>
      mint(by, { sub: webId, aud, exp: now + 300, jti: 'svid-1', ...claims }, { typ: 'JWT' });
    const shown = async (one: string, by = balancer) => send('/called', [`X-Jwt-Svid: ${one}`], by);
    const before = workload.requests().length;
    t.match(await shown(svid()), { status: 200 });
    const headers = workload.requests()[before]?.headers ?? [];
    t.ok(headers.includes(`x-spiffe-id: ${webId}`), 'the workload is told who calls');
    t.ok(headers.some((line) => line.startsWith('x-forwarded-client-cert:') && line.endsWith(`URI=${balancerId}`)));
    t.notOk(headers.some((line) => /^x-jwt-svid:/i.test(line)));
    const record = await proxy.untilRecord(({ rule }) => rule === 'presented');
    t.match(record, { peer: { spiffe: balancerId }, caller: { spiffe: webId, jti: 'svid-1' } });
    t.match(
      await shown(svid(), proxy.client),
      refused('caller-token-unexpected', 403),
      'nobody else may say who he is',
    );
    t.match(await send('/called', [], balancer), refused('caller-token-missing', 403));
    t.match(await shown(svid({}, tokenKey('domain'))), refused('caller-token-untrusted', 403));
    t.match(await shown(svid({ aud: 'orders' })), refused('caller-token-wrong-audience', 403));
    const named = await proxy.untilRecord(({ reason }) => reason === 'caller-token-wrong-audience');
    t.match(named, { peer: { spiffe: balancerId }, caller: { spiffe: webId } });
    t.match(await shown(svid()), { status: 200 });
    t.match(await shown(svid()), refused('too-many-requests', 429), 'his own quota is used up');
    t.match(await shown(svid({ sub: `${webId}-2` })), refused('forbidden', 403), 'and not that of the next caller');
    writeFileSync(join(proxy.folder, 'next-bundle.json'), bundle(next));
    renameSync(join(proxy.folder, 'next-bundle.json'), join(proxy.folder, 'bundle.json'));
    await proxy.untilRecord(({ type }) => type === 'keys.change');
    t.match(await shown(svid()), refused('caller-token-untrusted', 403), 'with its key he is forgotten');
  });

  await t.test('a token that its issuer has revoked is refused, and so is one of which it says nothing', async (t) => {
    const one = token({ iss: askedIssuer.issuer, jti: 'asked-1' });
    t.match(await ask('/asked', one), { status: 200 });
    t.match(authority.asked, [{ body: `token=${one}&token_type_hint=access_token`, as: 'orders:first secret' }]);
    t.match(await ask('/asked', token({ iss: askedIssuer.issuer, exp: now - 60 })), refused('user-token-expired'));
    t.match(await ask('/asked', token({ iss: askedIssuer.issuer }, tokenKey('one'))), refused('user-token-untrusted'));
    t.equal(authority.asked.length, 1, 'of a bad one nobody asks');
    authority.answer = { status: 200, body: '{"active":false}' };
    t.match(await ask('/asked', one), { ...refused('user-token-revoked'), challenge: 'Bearer error="invalid_token"' });
    const record = await proxy.untilRecord(({ reason }) => reason === 'user-token-revoked');
    t.match(record, { type: 'authz.deny', user: { sub: 'alice', jti: 'asked-1' } });
    authority.answer = { status: 500, body: '' };
    t.match(await ask('/asked', one), refused('user-introspection-unavailable', 503));
    const undecided = await proxy.untilRecord(({ reason }) => reason === 'user-introspection-unavailable');
    t.match(undecided, { type: 'authz.error', detail: /the answer has the status 500/, user: { jti: 'asked-1' } });
    authority.answer = { status: 200, body: '{"active":true}' };
    const { length } = proxy.audit().filter(({ type }) => type === 'config.load');
    authority.setSecret('second secret');
    await proxy.untilRecord(() => proxy.audit().filter(({ type }) => type === 'config.load').length > length);
    t.match(await ask('/asked', one), { status: 200 });
    t.match(authority.asked.at(-1), { as: 'orders:second secret' });
    for (const outcome of ['active', 'inactive', 'unavailable']) {
      t.ok((await proxy.metric(`portcullis_introspections_total{outcome="${outcome}"}`)) >= 1, outcome);
    }
    t.notMatch(proxy.log() + JSON.stringify(proxy.audit()), /(first|second) secret/);
  });

  await t.test('a route can pass it on', async (t) => {
    const before = workload.requests().length;
    t.match(await ask('/forwarded', token()), { status: 200 });
    t.ok(workload.requests()[before]?.headers.some((line) => line.startsWith('authorization: Bearer ey')));
  });

  await t.test('with its key, a token that was good is forgotten', async (t) => {
    const remembered = token();
    t.match(await ask('/orders', remembered), { status: 200 });
    writeFileSync(join(proxy.folder, 'next.json'), jwks(next));
    renameSync(join(proxy.folder, 'next.json'), join(proxy.folder, 'staff.jwks.json'));
    await proxy.untilRecord(({ type, detail }) => type === 'keys.change' && String(detail).startsWith('staff'));
    t.match(await ask('/orders', remembered), refused('user-token-untrusted'));
    t.match(await ask('/orders', token({}, next)), { status: 200 });
  });

  await t.test('no token is in the log or on record, and what became of them is counted', async (t) => {
    t.ok((await proxy.metric('portcullis_user_tokens_total{outcome="missing"}')) >= 2);
    t.ok((await proxy.metric('portcullis_user_tokens_total{outcome="refused"}')) >= 8);
    t.ok((await proxy.metric('portcullis_user_tokens_total{outcome="verified"}')) >= 4);
    for (const outcome of ['verified', 'refused', 'missing', 'unexpected']) {
      t.ok((await proxy.metric(`portcullis_caller_tokens_total{outcome="${outcome}"}`)) >= 1, outcome);
    }
    t.notMatch(JSON.stringify(proxy.audit()), /eyJ/);
    t.notMatch(proxy.log(), /eyJ/);
  });

  await t.test('who is broken off while the server of his issuer hangs has his record', async (t) => {
    authority.hangs = true;
    const { length } = authority.asked;
    const client = await connectRaw(proxy.port, proxy.client);
    const one = token({ iss: askedIssuer.issuer, jti: 'left' }, next);
    client.write(requestText('GET', '/asked', [`Authorization: Bearer ${one}`]));
    await eventually(() => authority.asked.length > length);
    t.equal(await proxy.stop(), 1);
    t.match(
      proxy.audit().filter(({ reason }) => reason === 'drain-timeout'),
      [{ type: 'proxy.abort', route: 'asked', user: { jti: 'left' } }],
    );
    client.close();
  });
});

type Test = Parameters<typeof startHttps>[0] & { readonly testdir: () => string };

/** A server that is asked about tokens, as each of our replicas is. */
async function startAuthority(t: Test) {
  const folder = t.testdir();
  const setSecret = (secret: string) => {
    writeFileSync(join(folder, 'next'), `${secret}\n`, { mode: 0o600 });
    renameSync(join(folder, 'next'), join(folder, 'secret'));
  };
  setSecret('first secret');
  const asked: { body: string; as: string }[] = [];
  const authority = { answer: { status: 200, body: '{"active":true}' }, hangs: false, asked, setSecret };
  const { origin, caPem } = await startHttps(t, () => async (request, response) => {
    const [, credentials = ''] = (request.headers.authorization ?? '').split(' ');
    const as = new URLSearchParams(`as=${Buffer.from(credentials, 'base64').toString()}`).get('as') ?? '';
    asked.push({ body: await text(request), as });
    if (authority.hangs) return;
    const { status, body } = authority.answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  writeFileSync(join(folder, 'ca.pem'), caPem);
  const files = { client_secret_file: join(folder, 'secret'), ca: join(folder, 'ca.pem') };
  const introspection = {
    endpoint: `${origin}/introspect`,
    client_id: 'orders',
    ...files,
    // Longer than a thread that drains is waited for.
    timeout: '10s',
    cache: { max_age: '0s' },
  };
  return Object.assign(authority, { introspection });
}
