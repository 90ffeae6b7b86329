import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { commandsFor } from '../../proxy/cli/all-commands.ts';
import type { Io } from '../../proxy/cli/command.ts';
import { runCli } from '../../proxy/cli/commands.ts';
import { clientId, newFolder, strangerId, trustDomain } from '../harness/proxy.ts';

const rego = `package shop

default allow := {"allowed": false, "http_status": 302, "headers": {"location": "/login"}, "body": "log in"}

allow := {
	"allowed": true,
	"headers": {"x-tier": "gold"},
	"request_headers_to_remove": ["x-debug"],
	"query_parameters_to_set": {"limit": "10"},
	"response_headers_to_add": {"x-served-by": "portcullis"},
	"dynamic_metadata": {"n": 12345678901234567890},
} if {
	some reader in data.readers
	reader.id == input.attributes.source.principal
}

# Allows, unless a failure counts.
careless if not late

late if time.parse_rfc3339_ns("noon") > 0

odd := {"allow": true, "extra": input.parsed_path}

endless if {
	some i, j in numbers.range(1, 10000)
	some k in numbers.range(1, 10000)
	[i, j, k] == input.parsed_path
}

# 10^12 looks, and nothing that would fill the memory of OPA's WebAssembly first.
stuck if {
	xs := numbers.range(1, 10000)
	some i in xs
	some j in xs
	some k in xs
	k == input.attributes.request.http.method
}
`;

test('explain shows what the policy was asked, what it said, and why', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'policy'));
  writeFileSync(join(folder, 'policy/shop.rego'), rego);
  writeFileSync(join(folder, 'data.json'), JSON.stringify({ readers: [{ id: 'nobody' }, { id: clientId }] }));
  const portcullis = async (...words: readonly string[]) => {
    const said = { stdout: '', stderr: '' };
    const io: Io = {
      out: (text) => void (said.stdout += text),
      err: (text) => void (said.stderr += text),
      env: {},
      cwd: folder,
      now: () => Date.now(),
      color: false,
      onSignal: () => () => undefined,
    };
    return { status: await runCli(await commandsFor(words), words, io, '0.0.0'), ...said };
  };
  const explain = (policy: object, ...words: readonly string[]) => {
    const config = {
      identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
      listen: '127.0.0.1:8443',
      workload: '127.0.0.1:9',
      policy,
      routes: [{ name: 'list', methods: ['GET'], path: '/orders' }],
    };
    writeFileSync(join(folder, 'portcullis.yaml'), JSON.stringify(config));
    return portcullis('explain', '-c', 'portcullis.yaml', '--target', '/orders?a=b', ...words);
  };
  const source = { rego: './policy', data: './data.json' };
  const plan = { ...source, engine: 'plan' };
  const allow = { ...plan, entrypoint: 'shop/allow' };
  const client = ['--id', clientId];

  await t.test('an allowed request with all that it would get, and the lines of both engines', async (t) => {
    for (const engine of ['plan', 'wasm']) {
      const { status, stdout, stderr } = await explain({ ...allow, engine }, ...client, '--trace');
      t.same([status, stderr], [0, '']);
      const [told = '', trace = ''] = stdout.split('\n\n');
      const facts = told.split('\n');
      t.same(facts.slice(0, 5), [
        'allowed  route list',
        '  sets     x-tier: gold',
        '  removes  x-debug',
        '  sends    /orders?a=b&limit=10',
        '  answers  x-served-by: portcullis',
      ]);
      t.match(facts[5], /^ {2}metadata \{"n":1234567890123456\d+\}$/);
      t.match(facts.at(-1), `  engine   ${engine}`);
      t.match(trace, /^ {2}data\.shop\.allow\n/);
      t.match(trace, /\n {4}ok {9}policy\/shop\.rego:13 {2}some reader in data\.readers\n/);
      t.match(trace, /\n {4}failed 1x {2}policy\/shop\.rego:14 {2}reader\.id == input/, 'the first of the two readers');
      t.match(trace, /\n {4}unused {5}policy\/shop\.rego:3 {3}default allow := .*\.\.\.\n/, 'cut');
    }
  });

  await t.test('a denial with its own answer', async (t) => {
    const { status, stdout } = await explain(allow, '--id', strangerId, '--trace');
    t.equal(status, 1);
    t.match(stdout, /^refused {2}302 forbidden\n/);
    t.match(stdout, /\n {2}answers {2}location: \/login\n {2}body {5}"log in"\n/);
    t.match(stdout, /\n {4}failed 2x {2}policy\/shop\.rego:14 /);
    t.match(stdout, /\n {4}ok {9}policy\/shop\.rego:3 /);
  });

  await t.test('the result as it is, where no decision can be read from it', async (t) => {
    const { stdout } = await explain({ ...plan, entrypoint: 'shop/odd' }, ...client);
    t.match(stdout, /^refused {2}503 policy-undecided\n/);
    t.match(stdout, '  result   [{"result":{"allow":true,"extra":["orders"]}}]\n');
  });

  await t.test('as JSON, with input, result and trace', async (t) => {
    const { stdout } = await explain(allow, ...client, '--trace', '--json');
    t.match(JSON.parse(stdout), {
      engine: 'plan',
      changes: { request_headers_to_set: ['x-tier: gold'], request_headers_to_remove: ['x-debug'] },
      input: { attributes: { source: { principal: clientId } }, parsed_path: ['orders'] },
      result: [{ result: { allowed: true } }],
      trace: { lines: [{ rule: 'data.shop.allow', file: /shop\.rego$/, row: Number, evaluated: Number, failed: 0 }] },
    });
    const refused = await explain(allow, ...client, '--trace', '--json', '--target', '/elsewhere');
    t.equal(refused.status, 2, 'a target twice is none');
  });

  await t.test('a built-in that fails ends a trace where it ends the decision', async (t) => {
    const careless = { ...plan, entrypoint: 'shop/careless' };
    t.equal((await explain(careless, ...client, '--trace')).status, 0);
    const { status, stdout } = await explain({ ...careless, strict_builtin_errors: true }, ...client, '--trace');
    t.equal(status, 1);
    t.match(stdout, /\n {2}detail {3}(.*time\.parse_rfc3339_ns.*)\n[^]*\n {2}ended: \1\n$/);
  });

  await t.test('an endless policy ends, with either engine', async (t) => {
    const { status, stdout } = await explain({ ...plan, entrypoint: 'shop/endless' }, ...client, '--trace');
    t.equal(status, 1);
    t.match(stdout, /\n {2}detail {3}.*steps/);
    t.match(stdout, /\n {2}ended: .*steps.*\n$/);
    const stuck = await explain({ ...source, engine: 'wasm', entrypoint: 'shop/stuck' }, ...client);
    t.equal(stuck.status, 3);
    t.match(stuck.stderr, /^error\[policy-too-slow\]: .*\n {2}.*policy\.engine: plan/);
  });

  await t.test('a bundle has no text to show, and without a plan no trace', async (t) => {
    const build = ['policy', 'build', join(folder, 'policy'), '--entrypoint', 'shop/allow', '--out', 'bundle'];
    t.equal((await portcullis(...build)).status, 0);
    const bundle = { bundle: './bundle', entrypoint: 'shop/allow' };
    const { stdout } = await explain({ ...bundle, engine: 'wasm' }, ...client, '--trace');
    t.match(stdout, /\n {4}ok {9}policy\/shop\.rego:3\n/);
    const manifest = join(folder, 'bundle/.manifest');
    const { metadata: _, ...opas } = JSON.parse(readFileSync(manifest, 'utf8')) as { metadata: unknown };
    writeFileSync(manifest, JSON.stringify(opas));
    rmSync(join(folder, 'bundle/plan.json'));
    const without = await explain({ ...bundle, engine: 'wasm' }, ...client, '--trace');
    t.equal(without.status, 2);
    t.match(without.stderr, /--trace: the bundle has no plan\.json/);
  });
});
