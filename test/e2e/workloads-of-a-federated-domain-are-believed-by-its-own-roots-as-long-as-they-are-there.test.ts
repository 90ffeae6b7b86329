import { test } from 'tap';
import { writeSpiffeBundle } from '../../certs/spiffe-bundle.ts';
import { changeConfig, replaceFile, untilInForce } from '../harness/change-files.ts';
import { startHttpsServer } from '../harness/https-server.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { clientId, startProxy, trustDomain } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { makePki, type Pki } from '../pki/pki.ts';

const partnerId = 'spiffe://partner.example/client';
const nearId = 'spiffe://near.example/client';
const policy = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "known"} if input.attributes.source.principal in {"${clientId}", "${partnerId}", "${nearId}"}
`;

void test('a bundle from an endpoint opens the door to its domain alone, and what leaves it ends connections', async (t) => {
  const [workload, server] = [await startWorkload(), await startHttpsServer(t)];
  t.teardown(workload.close);
  const [old, fresh, thief] = [
    await makePki({ trustDomain: 'partner.example' }),
    await makePki({ trustDomain: 'partner.example' }),
    await makePki({ trustDomain: 'thief.example' }),
  ];
  const [near, nearFresh] = [
    await makePki({ trustDomain: 'near.example' }),
    await makePki({ trustDomain: 'near.example' }),
  ];
  let sequence = 0;
  const publish = (...pkis: Pki[]) => {
    const rootsPem = pkis.map(({ caPem }) => caPem);
    const body = writeSpiffeBundle({ rootsPem, jwtKeys: [], sequence: ++sequence, refreshHintMs: 0 });
    server.documents.set('/partner', { body });
  };
  const entry = (name: string, path: string) => ({
    trust_domain: name,
    url: `${server.origin}${path}`,
    profile: 'https_web',
    refresh: '1s',
    max_age: '5s',
  });
  const fetched = [entry('partner.example', '/partner'), entry('thief.example', '/thief')];
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      federation: [...fetched, { trust_domain: 'near.example', bundle: './near.bundle' }],
      fetch: { allow: ['127.0.0.1'], ca: './ca.pem' },
      limits: { head: '5m', keep_alive: '5m' },
    },
    files: {
      'ca.pem': server.caPem,
      'policy/authz.rego': policy,
      'near.bundle': writeSpiffeBundle({ rootsPem: [near.caPem], jwtKeys: [], sequence: 1, refreshHintMs: 0 }),
    },
  });
  const open = async (pki: Pki) => keepConnection(proxy.port, await pki.issue());
  const changes = async (count: number) => {
    const found = () =>
      proxy.audit().filter(({ type, detail }) => type === 'trust.change' && /CN=partner/.test(String(detail)));
    await proxy.untilRecord(() => found().length === count);
    return String(found().at(-1)?.['detail']);
  };

  await expectRefusal(t, proxy, 'before its bundle has come', 'untrusted', offering(proxy, await old.issue()));
  t.match(await proxy.untilRecord(({ type }) => type === 'fetch.failed'), { reason: 'fetch-refused' });
  publish(old);
  t.match(await changes(1), /^roots added: CN=partner\.example root \([0-9a-f]{64}\)$/);
  const byOld = await open(old);
  t.equal((await byOld.ask('/a')).status, 200);

  await t.test('its roots vouch for nobody else', async (t) => {
    for (const id of [clientId, `spiffe://${trustDomain}/x`, 'spiffe://thief.example/x']) {
      const forged = await old.issue({ names: [{ type: 'uri', value: id }] });
      await expectRefusal(t, proxy, id, 'wrong-trust-domain', offering(proxy, forged));
    }
    const rootsPem = [thief.caPem, ...(proxy.ca.trustBundle()[0]?.rootsPem ?? [])];
    server.documents.set('/thief', {
      body: writeSpiffeBundle({ rootsPem, jwtKeys: [], sequence: 1, refreshHintMs: 0 }),
    });
    const ours = new RegExp(
      `/thief: keys.* the root calls itself spiffe://${trustDomain}, not spiffe://thief.example$`,
    );
    await proxy.untilRecord(({ type, detail }) => type === 'fetch.failed' && ours.test(String(detail)));
    await expectRefusal(t, proxy, 'of a bundle with a root of ours', 'untrusted', offering(proxy, await thief.issue()));
  });

  await t.test('a root that is added and one that is removed', async (t) => {
    publish(old, fresh);
    await changes(2);
    const byFresh = await open(fresh);
    t.equal((await byFresh.ask('/a')).status, 200);
    publish(fresh);
    await byOld.client.untilClosed();
    t.match(await changes(3), /^roots removed: CN=partner\.example root \([0-9a-f]{64}\)$/);
    t.match(await proxy.untilRecord(({ type }) => type === 'tls.end'), { reason: 'untrusted' });
    server.documents.set('/partner', {
      body: writeSpiffeBundle({ rootsPem: [old.caPem], jwtKeys: [], sequence: 1, refreshHintMs: 0 }),
    });
    t.match(await proxy.untilRecord(({ detail }) => /comes behind 3/.test(String(detail))), { type: 'fetch.failed' });
    t.equal((await byFresh.ask('/a')).status, 200, 'the last good bundle stays');

    await byFresh.client.untilClosed();
    const ended = () => proxy.audit().filter(({ type, reason }) => type === 'tls.end' && reason === 'untrusted');
    await proxy.untilRecord(() => ended().length === 2);
    t.match(await changes(5), /^roots added/, 'by then a lower sequence is no step back');
  });

  await t.test('a bundle in a file: a change of it and the end of its entry end connections', async (t) => {
    const ended = () =>
      proxy
        .audit()
        .filter(({ type, peer }) => type === 'tls.end' && (peer as { spiffe?: string }).spiffe === nearId)
        .map(({ reason }) => reason);
    const takes = async (what: string, change: () => void, { client }: Awaited<ReturnType<typeof open>>) => {
      const began = performance.now();
      change();
      await client.untilClosed();
      t.comment(`${what}: ${Math.round(performance.now() - began)} ms`);
    };
    const byOldRoot = await open(near);
    t.equal((await byOldRoot.ask('/a')).status, 200);
    replaceFile(proxy, 'near.bundle', '{"keys":[]}');
    await proxy.untilRecord(
      ({ type, detail }) =>
        type === 'config.reject' && /federation\[2\]\.bundle: .*near\.bundle: there is no key/.test(String(detail)),
    );
    t.equal((await byOldRoot.ask('/a')).status, 200, 'a file that is no good leaves the last good one in force');

    replaceFile(proxy, 'near.bundle', near.caPem + nearFresh.caPem);
    await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && /added: CN=near/.test(String(detail)));
    const byFreshRoot = await open(nearFresh);
    t.equal((await byFreshRoot.ask('/a')).status, 200);

    const reaching = (...routes: string[]) =>
      untilInForce(proxy, () => changeConfig(proxy, { federated_routes: { 'near.example': routes } }));
    await reaching('any.write');
    t.match(
      await byFreshRoot.ask('/a'),
      { status: 403, body: /"caller-not-of-this-route"/ },
      'whatever the policy says',
    );
    t.match(await proxy.untilRecord(({ reason }) => reason === 'caller-not-of-this-route'), {
      outcome: 'deny',
      status: 403,
      peer: { spiffe: nearId },
      detail: 'near.example on the route any',
    });
    t.equal(
      (await (await keepConnection(proxy.port, proxy.client)).ask('/a')).status,
      200,
      'of our own the policy decides',
    );
    await reaching('any');
    t.equal((await byFreshRoot.ask('/a')).status, 200, 'on the same connection');

    changeConfig(proxy, { nonsense: 1 });
    await proxy.untilRecord(({ type, detail }) => type === 'config.reject' && /nonsense/.test(String(detail)));
    await takes('a root', () => replaceFile(proxy, 'near.bundle', nearFresh.caPem), byOldRoot);
    await proxy.untilRecord(() => ended().length === 1);
    t.match(
      await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && /removed: CN=near/.test(String(detail))),
      { detail: /^roots removed: CN=near\.example root \([0-9a-f]{64}\)$/ },
      'although the configuration is broken',
    );
    t.equal((await byFreshRoot.ask('/a')).status, 200);
    await expectRefusal(t, proxy, 'of a removed root', 'untrusted', offering(proxy, await near.issue()));

    const without = () =>
      changeConfig(proxy, { nonsense: undefined, federation: fetched, federated_routes: undefined });
    await takes('an entry', without, byFreshRoot);
    await proxy.untilRecord(() => ended().length === 2);
    t.strictSame(ended(), ['untrusted', 'untrusted']);
    await expectRefusal(t, proxy, 'of an entry that is gone', 'untrusted', offering(proxy, await nearFresh.issue()));
  });
  t.ok((await proxy.metric('portcullis_fetches_total{kind="federated-bundle",outcome="failed"}')) > 0);
  t.equal(
    (await (await keepConnection(proxy.port, proxy.client)).ask('/a')).status,
    200,
    'our own domain was served all along',
  );
});
