import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { writeSpiffeBundle } from '../../certs/spiffe-bundle.ts';
import { changeConfig, replaceFile, untilInForce } from '../harness/change-files.ts';
import { startHttpsServer } from '../harness/https-server.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { clientId, newFolder, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { jwks, mint, type TokenKey, tokenKey } from '../harness/user-tokens.ts';
import { startWorkload } from '../harness/workload.ts';
import { authorityPem } from '../pki/authority.ts';
import { makePki, type Pki } from '../pki/pki.ts';

const partner = 'partner.example';
const policy = (known: readonly string[]) => `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "known"} if input.attributes.source.principal in {${known.map((id) => `"${id}"`).join(', ')}}
`;

/** Makes the change and a policy that does not compile, and resolves when all that this was the reason for has been done. */
async function refused(proxy: TestProxy, change: () => void): Promise<void> {
  const refusals = () => proxy.audit().filter(({ type }) => type === 'policy.reject').length;
  for (const text of ['one', 'two', 'three']) {
    const before = refusals();
    replaceFile(proxy, 'policy/authz.rego', `package portcullis.authz\n\ndefault decision := ${text} {{{\n`);
    await proxy.untilRecord(() => refusals() > before);
    if (text === 'one') change();
  }
}

void test('keys of issuers and roots of other trust domains, which have the names of those in force', async (t) => {
  const [workload, server] = [await startWorkload(), await startHttpsServer(t)];
  t.teardown(workload.close);
  const { origin, documents } = server;
  const [key, foreignKey] = [tokenKey('one'), tokenKey('foreign')];
  const [domain, foreign] = [await makePki({ trustDomain: partner }), await makePki({ trustDomain: partner })];
  const bundle = ({ caPem }: Pki) =>
    writeSpiffeBundle({ rootsPem: [caPem], jwtKeys: [], sequence: 1, refreshHintMs: 0 });
  documents.set('/keys', { body: jwks(key) });
  documents.set('/foreign-keys', { body: jwks(foreignKey) });
  documents.set('/bundle', { body: bundle(domain) });
  documents.set('/foreign-bundle', { body: bundle(foreign) });
  const issuer = {
    name: 'staff',
    issuer: `${origin}/staff`,
    jwks_uri: `${origin}/keys`,
    realm: 'internal',
    algorithms: ['ES256'],
    audience: ['orders'],
  };
  const federated = (path: string) => ({ trust_domain: partner, url: `${origin}${path}`, profile: 'https_web' });
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      issuers: [issuer],
      federation: [federated('/bundle')],
      fetch: { allow: ['127.0.0.1'], ca: './ca.pem' },
      limits: { head: '5m', keep_alive: '5m' },
      routes: [{ name: 'all', methods: ['GET'], path: '/{rest...}', user: { issuers: ['staff'] } }],
    },
    files: { 'ca.pem': server.caPem, 'policy/authz.rego': policy([clientId, `spiffe://${partner}/client`]) },
  });
  const ask = async (signedBy: TokenKey, iss: string, caller = proxy.issue(clientId)) => {
    const kept = await keepConnection(proxy.port, await caller);
    const iat = Math.floor(Date.now() / 1000);
    const token = mint(signedBy, { iss, sub: 'alice', aud: 'orders', iat, exp: iat + 60 });
    return (await kept.ask('/a', [`authorization: Bearer ${token}`])).status;
  };
  const inForce = async (what: string) => {
    t.equal(await ask(key, issuer.issuer), 200, `${what}: the key in force`);
    t.equal(await ask(foreignKey, issuer.issuer), 401, `${what}: the other key`);
    t.equal(await ask(key, issuer.issuer, domain.issue()), 200, `${what}: the roots in force`);
    await expectRefusal(t, proxy, `${what}: other roots`, 'untrusted', offering(proxy, await foreign.issue()));
  };
  await inForce('at first');
  const other = { ...issuer, issuer: `${origin}/foreign`, jwks_uri: `${origin}/foreign-keys` };
  await refused(proxy, () => changeConfig(proxy, { issuers: [other], federation: [federated('/foreign-bundle')] }));
  await inForce('refused');

  const repaired = policy([clientId, `spiffe://${partner}/client`]);
  await untilInForce(proxy, () => replaceFile(proxy, 'policy/authz.rego', repaired));
  t.equal(await ask(foreignKey, other.issuer), 200, 'in force once it is accepted');
  t.equal(await ask(key, other.issuer), 401);
  t.equal(await ask(foreignKey, other.issuer, foreign.issue()), 200);
  await expectRefusal(t, proxy, 'the roots of before', 'untrusted', offering(proxy, await domain.issue()));
});

/** A server of one list that nobody has to believe: the list is signed. */
async function listServer(t: Test, list: string): Promise<string> {
  const server = createServer((_, response) => response.end(list)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.crl`;
}

void test('a revocation list stays where the refused configuration names none', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const pki = await makePki({ trustDomain, nowMs: Date.now() });
  const url = await listServer(t, await pki.crl([], {}));
  const own = await pki.issue({ path: '/ns/t/sa/proxy' });
  const folder = newFolder(t);
  writeFileSync(join(folder, 'own.key'), own.keyPem, { mode: 0o600 });
  const files = { certificate: './own.pem', key: './own.key', bundle: './bundle.pem' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    folder,
    config: {
      identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy`, files },
      limits: { head: '5m', keep_alive: '5m' },
      crls: [{ issuer: './issuer.pem', url }],
      fetch: { allow: ['127.0.0.1'] },
    },
    files: { 'own.pem': own.certPem, 'bundle.pem': pki.caPem, 'issuer.pem': authorityPem(pki.intermediate) },
  });
  const kept = await keepConnection(proxy.port, await pki.issue({ path: '/ns/t/sa/client' }));
  t.equal((await kept.ask('/a')).status, 200);
  await refused(proxy, () => changeConfig(proxy, { crls: [] }));
  t.equal((await kept.ask('/a')).status, 200, 'the connection is still there, and its peer not unknown');
});
