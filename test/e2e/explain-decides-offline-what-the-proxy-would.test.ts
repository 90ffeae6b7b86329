import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { portcullisIn } from '../harness/command.ts';
import { clientId, newFolder, strangerId, trustDomain } from '../harness/proxy.ts';

const rego = `package portcullis.authz

default decision := {"allow": false, "rule": "default", "reasons": ["no rule allows it"]}

decision := {"allow": true, "rule": "client", "reasons": ["the client may"]} if {
	input.attributes.source.principal == "${clientId}"
	input.attributes.request.http.path != "/orders/closed"
}

decision := {"allow": true, "rule": "over HTTP/2"} if {
	input.attributes.source.principal == "${strangerId}"
	input.attributes.request.http.protocol == "HTTP/2"
}

`;
const schema = {
  type: 'object',
  properties: { items: { type: 'array', items: { type: 'integer' } } },
  required: ['items'],
  additionalProperties: false,
};
const config = {
  identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
  listen: '127.0.0.1:8443',
  workload: '127.0.0.1:9',
  policy: { rego: './policy' },
  routes: [
    { name: 'read', methods: ['GET'], path: '/orders/{id}' },
    { name: 'place', methods: ['POST'], path: '/orders', body: { 'application/json': './order.schema.json' } },
  ],
};

test('explain', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'policy'));
  const files = {
    'portcullis.yaml': JSON.stringify(config),
    'policy/authz.rego': rego,
    'order.schema.json': JSON.stringify(schema),
    'good.json': '{"items": [1]}',
    'bad.json': '{"items": [1, "x"]}',
    'twice.json': '{"items": [1], "items": []}',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const explain = (...words: readonly string[]) => portcullisIn(folder, 'explain', '-c', 'portcullis.yaml', ...words);
  const asJson = (...words: readonly string[]) => {
    const { status, stdout, stderr } = explain(...words, '--json');
    t.equal(stderr, '');
    return { status, ...(JSON.parse(stdout) as object) };
  };
  const client = ['--id', clientId];
  const post = [...client, '--method', 'POST', '--target', '/orders', '--header', 'Content-Type: application/json'];
  const judgedBy = { snapshot: undefined, policy: /^sha256:[0-9a-f]{64}$/ };

  await t.test('allowed', async (t) => {
    const { status, stdout, stderr } = explain(...client, '--target', '/orders/1?a=b');
    t.same([status, stderr], [0, '']);
    t.match(stdout, /^allowed {2}route read\n {2}rule {5}client\n {2}reason {3}the client may\n {2}policy {3}sha256:/);
    const reasons = ['the client may'];
    t.match(asJson(...client, '--target', '/orders/1'), {
      status: 0,
      allowed: true,
      route: 'read',
      rule: 'client',
      reasons,
      ...judgedBy,
    });
    t.match(asJson(...post, '--body', 'good.json'), { status: 0, allowed: true, route: 'place' });
  });

  await t.test('denied, with rule and reasons', async (t) => {
    const words = ['--id', strangerId, '--target', '/orders/1'];
    const { status, stdout, stderr } = explain(...words);
    t.same([status, stderr], [1, '']);
    t.match(stdout, /^refused {2}403 forbidden\n[^]* {2}rule {5}default\n {2}reason {3}no rule allows it\n/);
    const denial = {
      allowed: false,
      code: 'forbidden',
      kind: 'denied',
      rule: 'default',
      reasons: ['no rule allows it'],
    };
    t.match(asJson(...client, '--target', '/orders/closed'), { ...denial, ...judgedBy });
  });

  await t.test('refused before the policy is asked, with the place', async (t) => {
    t.match(asJson(...post, '--body', 'bad.json'), { status: 422, code: 'schema-violation', pointer: '/items/1' });
    const { status, stdout } = explain(...post, '--body', 'bad.json');
    t.equal(status, 1);
    t.match(stdout, /422 schema-violation\n[^]* {2}at {7}"\/items\/1"/);
    t.match(asJson(...post, '--body', 'twice.json'), { code: 'malformed-json' });
    t.match(asJson(...client, '--target', '/a/../orders/1'), { code: 'ambiguous-target' });
    t.match(asJson(...client, '--target', '/elsewhere'), { code: 'no-route' });
    t.match(asJson(...client, '--target', '/orders/1', '--method', 'PUT'), { code: 'method-not-allowed' });
  });

  await t.test('as one that came over HTTP/2, where that is served', async (t) => {
    const words = ['--id', strangerId, '--target', '/orders/1'];
    const { status, stdout, stderr } = explain(...words, '--http2');
    t.same([status, stdout], [2, '']);
    t.match(stderr, /--http2: the configuration has no `http2`/);
    writeFileSync(join(folder, 'http2.yaml'), JSON.stringify({ ...config, http2: {} }));
    const served = (...more: readonly string[]) =>
      portcullisIn(folder, 'explain', '-c', 'http2.yaml', ...words, ...more);
    t.match(served('--http2'), { status: 0, stdout: /^allowed {2}route read\n {2}rule {5}over HTTP\/2\n/ });
    t.match(served(), { status: 1, stdout: /^refused {2}403 forbidden\n/ });
  });

  await t.test('a call that is wrong says how it is right', async (t) => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--target', '/'], /--id is required/],
      [['--id', 'client', '--target', '/'], /--id: .*client/],
      [[...client], /--target is required/],
      [[...client, '--target', '/orders/1', '--at', 'noon'], /--at is not an RFC 3339 time/],
      [[...client, '--target', '/orders/1', '--at', 'Nov 2026'], /--at is not an RFC 3339 time/],
      [[...client, '--target', '/orders/1', '--at', '2026-11-21'], /--at is not an RFC 3339 time/],
      [[...client, '--target', '/orders/1', '--at', '2026-02-31T09:00:00Z'], /--at is not an RFC 3339 time/],
      [['--id', 'spiffe://other.example/web', '--target', '/'], /could not connect: .* peers of test\.example only/],
      [[...client, '--target', '/orders/1', '--header', 'novalue'], /--header is not NAME: VALUE: "novalue"/],
      [[...client, '--target', '/orders/1', '--body', 'none'], /--body: .*none cannot be read \(ENOENT\)/],
      [[...client, '--target', '/orders/1', '--what'], /--what/],
    ];
    for (const [words, says] of wrong) {
      const { status, stdout, stderr } = explain(...words);
      t.same([status, stdout], [2, ''], words.join(' '));
      t.match(stderr, says);
      t.match(stderr, /Usage: portcullis explain/);
    }
    const { status, stderr } = portcullisIn(folder, 'explain', '-c', 'none.yaml', ...client, '--target', '/');
    t.equal(status, 3);
    t.match(stderr, /^error\[config-invalid\]: .*none\.yaml/s);
  });

  t.notOk(existsSync(join(folder, 'audit')), 'a rehearsal leaves no evidence');
});
