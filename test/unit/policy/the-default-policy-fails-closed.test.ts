import { createHash } from 'node:crypto';
import { test } from 'tap';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { decide } from '../../../policy/decision.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { facts, input } from './policies.ts';

const folder = new URL('../../../policy/rego/', import.meta.url).pathname;
const bundle = await buildPolicy({
  regoPaths: [folder],
  dataFile: `${folder}example-data.json`,
  entrypoint: 'portcullis/authz/decision',
});
const engine = wasmEngine(bundle);

const asking = (sa: string, method: string, name: string) => {
  const { peer, request } = facts();
  return input({
    peer: { ...peer, spiffeId: `spiffe://demo.test/ns/shop/sa/${sa}` as typeof peer.spiffeId },
    request: { ...request, method },
    route: { name, template: '/', parameters: new Map() },
  });
};

test('the example data gives web reading and writing, reports reading, and others nothing', (t) => {
  const rows = [
    ['web', 'GET', 'orders.list', 'allow'],
    ['web', 'GET', 'orders.read', 'allow'],
    ['web', 'POST', 'orders.write', 'allow'],
    ['web', 'DELETE', 'orders.delete', 'deny'],
    ['web', 'TRACE', 'orders.read', 'deny'],
    ['reports', 'GET', 'orders.list', 'allow'],
    ['reports', 'POST', 'orders.write', 'deny'],
    ['reports', 'GET', 'orders.write', 'deny'],
    ['stranger', 'GET', 'orders.list', 'deny'],
    ['web', 'GET', 'unknown', 'deny'],
    ['__proto__', 'GET', 'constructor', 'deny'],
  ] as const;
  for (const [sa, method, route, expected] of rows) {
    t.equal(decide(engine, asking(sa, method, route)).kind, expected, `${sa} ${method} ${route}`);
  }
  t.end();
});

test('without data everything is denied', (t) => {
  const empty = wasmEngine({ ...bundle, data: {} });
  t.match(decide(empty, asking('web', 'GET', 'orders.read')), { kind: 'deny', rule: 'default-deny' });
  t.end();
});

/** The paths of all members, those of members included. */
function paths(value: unknown, prefix: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [[...prefix, name], ...paths(member, [...prefix, name])]);
}

function changed(
  document: PolicyInput,
  path: readonly string[],
  change: (parent: Record<string, unknown>, name: string) => void,
) {
  const copy = structuredClone(document);
  let parent = copy as unknown as Record<string, unknown>;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
  change(parent, path.at(-1) ?? '');
  return copy;
}

// THREATS 1.4, CVE-2026-73547: a request without :path crashed Envoy's authorisation.
test('each input field missing or of another type in turn: never a crash, never more than before', (t) => {
  const allowed = asking('web', 'GET', 'orders.read');
  const denied = asking('reports', 'PUT', 'orders.write');
  const needed = new Set(['portcullis.peer.spiffe_id', 'portcullis.route.name', 'attributes.request.http.method']);
  const changes = [
    (parent: Record<string, unknown>, name: string) => void delete parent[name],
    ...[null, 0, '', [], {}, true].map((value) => (parent: Record<string, unknown>, name: string) => {
      parent[name] = value;
    }),
  ];
  for (const path of paths(allowed)) {
    for (const change of changes) {
      t.not(decide(engine, changed(denied, path, change)).kind, 'allow', path.join('.'));
      if (needed.has(path.join('.')))
        t.not(decide(engine, changed(allowed, path, change)).kind, 'allow', path.join('.'));
    }
  }
  for (const name of ['attributes', 'portcullis']) {
    t.not(
      decide(
        engine,
        changed(allowed, [name], (parent) => void delete parent[name]),
      ).kind,
      'allow',
      name,
    );
  }
  t.end();
});

test('the same input gives the same answer a thousand times and in every instance', (t) => {
  const document = asking('web', 'GET', 'orders.read');
  const digests = new Set<string>();
  for (const each of [engine, wasmEngine(bundle), wasmEngine(structuredClone(bundle))]) {
    for (let round = 0; round < 1000; round++) {
      digests.add(
        createHash('sha256')
          .update(JSON.stringify(each.decide(document)))
          .digest('hex'),
      );
    }
  }
  t.equal(digests.size, 1);
  t.end();
});
