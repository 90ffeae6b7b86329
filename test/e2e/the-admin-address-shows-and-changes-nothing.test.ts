import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { type ProxySetup, startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

type Where = { readonly socketPath: string } | { readonly host: string; readonly port: number };
type Call = { readonly method?: string; readonly path: string; readonly headers?: Readonly<Record<string, string>> };

function call(where: Where, { method = 'GET', path, headers = {} }: Call): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, method, path, headers, setHost: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** What the process listens on, or takes datagrams on, as the kernel lists it. */
function openPorts({ child }: TestProxy): readonly string[] {
  const of = `/proc/${child.pid}`;
  const own = new Set(
    readdirSync(`${of}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${of}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    }),
  );
  const listening = '0A';
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) =>
    readFileSync(`${of}/net/${protocol}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode = '']) => own.has(inode) && (protocol.startsWith('udp') || state === listening),
      )
      .map(([, local = '']) => `${protocol} ${Number.parseInt(local.split(':').at(-1) ?? '', 16)}`),
  );
}

const adminCalls = (proxy: TestProxy) => proxy.audit().filter(({ type }) => type === 'admin.call');

test('admin on a unix socket', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const setup: ProxySetup = {
    workloadPort: workload.port,
    config: { workload: { address: `127.0.0.1:${workload.port}`, unsafe_close_delimited: true } },
  };
  const proxy = await startProxy(t, setup);
  const where = { socketPath: join(proxy.folder, 'admin.sock') };
  const own = { host: 'localhost' };

  await t.test('says that it lives, is ready, what it counts and what is in force', async (t) => {
    t.match(await proxy.admin('/livez'), { status: 200, body: '"live": true' });
    const ready = await proxy.admin('/readyz');
    t.equal(ready.status, 200);
    t.same(JSON.parse(ready.body), {
      ready: true,
      conditions: ['policy', 'identity', 'revocation', 'audit', 'listener'].map((name) => ({ name, ok: true })),
    });
    const { body } = await proxy.admin('/snapshot');
    const snapshot = JSON.parse(body) as { digest: string };
    t.match(snapshot, { threads: 1, audit: 'required', unsafe: ['workload.unsafe_close_delimited'] });
    t.match(proxy.log(), `"snapshot":"${snapshot.digest}"`);
    t.notMatch(body, /PRIVATE|package portcullis|\.rego/);
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/counted'));
    client.close();
    t.equal(answer?.status, 200);
    t.equal(await proxy.metric('portcullis_requests_total{route="any",outcome="allowed",code="ok"}'), 1);
    t.match((await proxy.admin('/metrics')).body, /^process_resident_memory_bytes \d+$/m);
  });

  await t.test('the port that is configured is open, and nothing else', (t) => {
    t.same(openPorts(proxy), [`tcp ${proxy.port}`]);
    t.end();
  });

  await t.test('an unsafe option shows at start and in the metrics', async (t) => {
    const warning = proxy
      .log()
      .split('\n')
      .find((line) => line.includes('"event":"unsafe"'));
    t.match(JSON.parse(warning ?? '{}'), { level: 'warn', option: 'workload.unsafe_close_delimited' });
    t.equal(await proxy.metric('portcullis_unsafe_option{option="workload.unsafe_close_delimited"}'), 1);
  });

  await t.test('refuses what a page in a browser could send, and records it', async (t) => {
    const refused: readonly (readonly [Call, number, string])[] = [
      [{ path: '/metrics', headers: { host: 'evil.example' } }, 403, 'foreign-host'],
      [{ path: '/metrics', headers: { host: 'localhost.evil.example' } }, 403, 'foreign-host'],
      [{ path: '/metrics', headers: {} }, 403, 'foreign-host'],
      [{ path: '/metrics', headers: { ...own, origin: 'http://localhost' } }, 403, 'origin-present'],
      [{ path: '/metrics', headers: { ...own, origin: 'null' } }, 403, 'origin-present'],
      [{ path: '/metrics', headers: { ...own, 'sec-fetch-site': 'cross-site' } }, 403, 'cross-site'],
      [{ method: 'POST', path: '/metrics', headers: own }, 405, 'method'],
      [{ method: 'DELETE', path: '/snapshot', headers: own }, 405, 'method'],
    ];
    for (const [made, status, reason] of refused) {
      const before = adminCalls(proxy).length;
      const { status: got, body } = await call(where, made);
      t.equal(got, status, JSON.stringify(made));
      t.same(JSON.parse(body), { error: reason });
      // The record of an allowed call before this one may come late.
      const denied = () =>
        adminCalls(proxy)
          .slice(before)
          .filter(({ outcome }) => outcome === 'deny');
      await proxy.untilRecord(() => denied().length > 0);
      const command = `${made.method ?? 'GET'} ${made.path}`;
      t.match(denied(), [{ outcome: 'deny', reason, command, actor: 'unix' }]);
    }
    // CVE-2026-21710; with --disable-proto=throw Node's own reader would end the process at the name.
    const named = Object.fromEntries([...Object.entries(own), ['__proto__', 'x'], ['constructor', 'y']]);
    t.equal((await call(where, { path: '/livez', headers: named })).status, 200, 'names that every object has');
    const { status } = await call(where, { path: '/metrics/../livez', headers: own });
    t.equal(status, 404);
    const good = () => adminCalls(proxy).filter(({ command }) => command === 'GET /livez');
    const before = good().length;
    t.equal((await call(where, { path: '/livez', headers: own })).status, 200, 'and the good one is served');
    await proxy.untilRecord(() => good().length > before);
    t.match(good().at(-1), { outcome: 'allow' });
  });

  await t.test('is not behind the data plane', async (t) => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/metrics'));
    client.close();
    t.equal(answer?.status, 200);
    t.match(JSON.parse(answer?.body ?? '{}'), { url: '/metrics' }, 'the workload answers, whatever the path');
  });
  t.equal(await proxy.stop(), 0);
});

test('admin on loopback, and off', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { admin: '127.0.0.1:0' } });
  const [, port = ''] = /"admin":"127\.0\.0\.1:(\d+)"/.exec(proxy.log()) ?? [];
  const where = { host: '127.0.0.1', port: Number(port) };
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    t.equal((await call(where, { path: '/readyz', headers: { host } })).status, 200);
  }
  for (const host of ['127.0.0.1', `127.0.0.1:${proxy.port}`, `rebound.example:${port}`]) {
    t.equal((await call(where, { path: '/readyz', headers: { host } })).status, 403);
  }
  t.match(await proxy.untilRecord(({ type, reason }) => type === 'admin.call' && reason === 'foreign-host'), {
    actor: '127.0.0.1',
    outcome: 'deny',
  });
  t.equal(await proxy.stop(), 0);

  const silent = await startProxy(t, { workloadPort: workload.port, config: { admin: 'off' } });
  t.match(silent.log(), '"admin":"off"');
  await t.rejects(silent.admin('/livez'), { code: 'ENOENT' });
  t.equal(await silent.stop(), 0);
});
