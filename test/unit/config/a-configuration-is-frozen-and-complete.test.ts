import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

async function load(file: string): Promise<Config> {
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function everyValue(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = value instanceof Map ? [...value.values()] : Object.values(value);
  return [value, ...inside.flatMap(everyValue)];
}

test('every part is frozen, maps included, and can be sent to a data thread', async (t) => {
  const config = await load(writeFolder(t.testdir(), good));
  const parts = everyValue(config);
  t.ok(parts.length > 15);
  t.ok(parts.every(Object.isFrozen));
  const maps = parts.filter((part) => part instanceof Map);
  t.equal(maps.length, 2);
  for (const map of maps) {
    t.throws(() => map.set('text/html', '/etc/passwd'), TypeError);
    t.throws(() => map.delete('application/json'), TypeError);
    t.throws(() => map.clear(), TypeError);
    t.equal(map.size, 1);
  }
  t.strictSame(structuredClone(config), config);
});

test('what is left out takes the safe default', async (t) => {
  const file = writeFolder(t.testdir(), good.replace(/limits:[^]*/, ''));
  const config = await load(file);
  t.match(config, {
    identity: {
      stateFolder: join(dirname(file), 'state'),
      source: { kind: 'local-ca', svidLifetimeMs: 3_600_000, keyAlgorithm: 'P-256' },
    },
    policy: { entrypoint: 'portcullis/authz/decision' },
    limits: { handshakeMs: 5000, headMs: 10_000, maxHeadBytes: 16_384, maxHeaders: 100, maxConnections: 12_000 },
    audit: { mode: 'required', folder: join(dirname(file), 'audit') },
    admin: { kind: 'tcp', host: '127.0.0.1', port: 9464 },
    explainTo: [],
    denylistFile: undefined,
    threads: 1,
    drainMs: 30_000,
    unsafe: [],
  });
});

test('the default of a limit for one gives way to a lower limit for all', async (t) => {
  const { limits } = await load(writeFolder(t.testdir(), change('500', '500\n  max_in_flight: 7\n  body: 2s')));
  t.match(limits, { maxConnectionsPerIdentity: 500, maxInFlightPerIdentity: 7, bodyIdleMs: 2000 });
});

test('a body is refused, streamed or validated', async (t) => {
  const more = [
    '{ name: a, methods: [GET, DELETE], path: /a }',
    '{ name: b, methods: [GET, PUT], path: /b, body: stream }',
    '{ name: c, methods: [POST], path: /c, body: none }',
    '{ name: d, methods: [DELETE], path: /d, body: stream, max_body: 2GiB }',
  ].map((route) => `  - ${route}\n`);
  const text = change('limits:', `${more.join('')}limits:`);
  t.match(await problemsOf(writeFolder(t.testdir(), text)), [/max_body: 2GiB is out of range/]);
  const { routes } = await load(writeFolder(t.testdir(), text.replace('2GiB', '2MiB')));
  const maxBytes = 1024 * 1024;
  t.match(
    routes.map(({ body }) => body),
    [
      { kind: 'none' },
      { kind: 'validate', maxBytes, schemas: new Map([['application/json', /order\.json$/]]) },
      { kind: 'none' },
      { kind: 'stream', maxBytes },
      { kind: 'none' },
      { kind: 'stream', maxBytes: 2 * maxBytes },
    ],
  );
});

test('shorthands mean the same as what they stand for', async (t) => {
  const short = await load(
    writeFolder(
      t.testdir(),
      change('workload:\n  address: 127.0.0.1:8080', 'workload: 127.0.0.1:8080').replace('[./policy]', './policy'),
    ),
  );
  const long = await load(writeFolder(t.testdir(), good));
  t.strictSame(short, long);
});

test('sockets, IPv6, `off` and `auto` are read', async (t) => {
  const text = change('127.0.0.1:8443', '"[::]:0"').replace('threads: 2', 'threads: auto');
  const withSocket = (path: string) => `${text.replace('127.0.0.1:8080', `unix:${path}`)}admin: off\n`;
  t.match(await load(writeFolder(t.testdir(), withSocket('/run/app.sock'))), {
    listen: { host: '::', port: 0 },
    workload: { address: { kind: 'unix', path: '/run/app.sock' } },
    admin: 'off',
    threads: world.cores,
  });
  const folder = mkdtempSync(join(tmpdir(), 'pc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const relative = await load(writeFolder(folder, withSocket('./app.sock')));
  t.strictSame(relative.workload.address, { kind: 'unix', path: join(folder, 'app.sock') });
  const long = withSocket(`/run/${'x'.repeat(99)}`);
  t.match(await problemsOf(writeFolder(folder, long)), [/the path of the socket is longer than 103 bytes/]);
});

test('a workload with TLS may be anywhere, and be of a federated domain', async (t) => {
  const ids = '[spiffe://shop.test/orders, spiffe://b.test/orders]';
  const remote = change('  address: 127.0.0.1:8080', `  address: orders.internal:8443\n  tls: { spiffe_ids: ${ids} }`);
  const federation = 'federation: [{ trust_domain: b.test, url: "https://b.test/", profile: https_web }]\n';
  const config = await load(writeFolder(t.testdir(), remote + federation));
  const { workload, unsafe } = config;
  t.strictSame(workload.address, { kind: 'tcp', host: 'orders.internal', port: 8443 });
  t.strictSame(workload.tls, { spiffeIds: ['spiffe://shop.test/orders', 'spiffe://b.test/orders'] });
  t.strictSame(unsafe, []);
  const summary =
    /workload {2}orders\.internal:8443, mutual TLS 1\.3, as spiffe:\/\/shop\.test\/orders or spiffe:\/\/b\.test\/orders\n/;
  t.match(configSummary(config, { color: false }), summary);
  t.equal((await load(writeFolder(t.testdir(), good))).workload.tls, undefined);
});

test('each unsafe key that is on is listed, and does what it says', async (t) => {
  const text = change('  address: 127.0.0.1:8080', '  address: 10.0.0.7:8080\n  unsafe_close_delimited: true');
  const exposed = `${text}admin: 0.0.0.0:9464\nunsafe_remote_workload: true\nunsafe_remote_admin: true\n`;
  const { unsafe } = await load(writeFolder(t.testdir(), exposed));
  t.strictSame([...unsafe].sort(), [
    'unsafe_remote_admin',
    'unsafe_remote_workload',
    'workload.unsafe_close_delimited',
  ]);
  const off = await load(writeFolder(t.testdir(), `${good}unsafe_remote_admin: false\n`));
  t.strictSame(off.unsafe, []);
});
