import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import type { BenchResult } from '../../bench/result.ts';
import { benchPolicy as bench, ownPolicy } from '../harness/own-policy.ts';
import { clientId, strangerId } from '../harness/proxy.ts';

/** Made by `npm run bench:decisions` and `npm run bench -- --install`, where there is Go. */
const built = fileURLToPath(new URL('../../node_modules/.cache/portcullis-bench', import.meta.url));
const opa = join(built, 'opa');
const withPlugin = join(built, 'ext-authz-opa');

const requests = [
  { id: clientId, target: '/orders/1' },
  { id: clientId, target: '/orders/7?a=b' },
];
const names = ({ subjects }: BenchResult) => subjects.map(({ name }) => name);

test('OPA itself', { skip: existsSync(opa) ? false : 'no opa was built' }, async (t) => {
  const folder = ownPolicy(t, { 'requests.json': JSON.stringify(requests) });
  const words = ['-c', 'portcullis.yaml', '--input', 'requests.json', '--engine', 'plan', '--json', '-'];
  const { status, stdout, stderr } = bench(folder, ...words, '--with', `opa=${opa}`);
  t.same([status, stderr], [0, '']);
  const result = JSON.parse(stdout) as BenchResult;
  t.same(names(result), ['stock SDK', 'portcullis, plan', "OPA's Go library", 'OPA over REST']);
  const rest = result.subjects.at(-1);
  const stages = ['serialising', 'input parsing', 'evaluation', 'the rest of its handler', 'HTTP and loopback'];
  t.same(
    rest?.stages.map(({ name }) => name),
    stages,
  );
  t.match(result.subjects[0]?.about, /module of opa build 1\./);
  t.match(result.notes.join('\n'), /^OPA over gRPC is left out: this opa has no plugin envoy_ext_authz_grpc/m);
});

/** OPA with the plugin is in no registry: where it is asked for, the program that stands in for it in the bench of peers. */
const opaWithPlugin = `#!/bin/sh
case "$*" in
*plugins.envoy_ext_authz_grpc.addr=*) ;;
*) exec ${opa} "$@" ;;
esac
for word in "$@"; do
  case $word in
  plugins.*.addr=*) addr=\${word#*addr=} ;;
  plugins.*.path=*) path=\${word#*path=} ;;
  esac
done
exec ${withPlugin} -listen "$addr" -path "$path" -config opa.yaml
`;

const skipGrpc = existsSync(opa) && existsSync(withPlugin) ? false : 'no opa or no adapter for gRPC was built';

test('OPA over gRPC, whose verdicts are compared', { skip: skipGrpc }, async (t) => {
  const allowed = `{"allowed": true} if input.attributes.source.principal == "${clientId}"`;
  const rego = `package portcullis.authz\n\ndefault decision := {"allowed": false}\n\ndecision := ${allowed}\n`;
  const given = [requests[0], { ...requests[0], id: strangerId }];
  const folder = ownPolicy(t, { 'policy/authz.rego': rego, 'requests.json': JSON.stringify(given) });
  const config = { bundles: { own: { resource: `file://${join(folder, 'policy')}` } } };
  writeFileSync(join(folder, 'opa.yaml'), JSON.stringify(config));
  writeFileSync(join(folder, 'opa_envoy'), opaWithPlugin, { mode: 0o755 });
  const words = ['-c', 'portcullis.yaml', '--input', 'requests.json', '--engine', 'plan', '--json', '-'];
  const { status, stdout, stderr } = bench(folder, ...words, '--with', 'opa=./opa_envoy');
  t.same([status, stderr], [0, '']);
  const grpc = (JSON.parse(stdout) as BenchResult).subjects.at(-1);
  t.equal(grpc?.name, 'OPA over gRPC');
  t.ok((grpc?.latency.p50 ?? 0) > 0);

  // This one refuses everybody.
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'authz.rego'), 'package portcullis.authz\n\ndecision := {"allowed": false}\n');
  writeFileSync(join(folder, 'opa.yaml'), JSON.stringify({ bundles: { own: { resource: `file://${other}` } } }));
  const { notes } = JSON.parse(bench(folder, ...words, '--with', 'opa=./opa_envoy').stdout) as BenchResult;
  const left =
    /^OPA over gRPC is left out: it answers requests\.json, item 1 with deny, and portcullis, plan with allow$/m;
  t.match(notes.join('\n'), left);
});
