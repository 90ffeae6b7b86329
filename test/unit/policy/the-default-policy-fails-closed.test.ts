import { createHash } from 'node:crypto';
import { test } from 'tap';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { decide } from '../../../policy/decision.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
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
