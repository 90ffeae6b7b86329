import { launch, writeCertificates, writeConfig } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer, Running, Setup } from '../peer.ts';
import { rbacPolicies, writePolicy } from '../policy/rules.ts';
import { programPath } from '../programs.ts';
import type { Bench } from '../../run.ts';

export const envoy: Peer = {
  name: 'envoy',
  work: ['spiffe-id'],
  does: 'mutual TLS with SPIFFE IDs, forwarding',
  programs: ['envoy'],
  start: (t, setup) => start(t, 'envoy/router.yaml', setup, {}),
};

export const envoyNative: Peer = {
  name: 'envoy-native',
  work: ['spiffe-id', 'limit', 'rules', 'log'],
  does: 'mutual TLS with SPIFFE IDs, forwarding, native RBAC with the same rules over identity, method and path, rate limit for each identity, access log',
  programs: ['envoy'],
  start: (t, setup) => start(t, 'envoy/native.yaml', setup, { RBAC: rbacPolicies(setup.rules) }),
};

const standIn = 'an adapter over the SDK of OPA stands in for opa-envoy-plugin';

export const envoyOpa: Peer = {
  name: 'envoy-opa',
  work: ['spiffe-id', 'limit', 'rules', 'schema', 'log'],
  does: `mutual TLS with SPIFFE IDs, forwarding, the same Rego and JSON Schema by OPA over ext_authz gRPC, rate limit, access log; ${standIn}`,
  caveat: standIn,
  programs: ['envoy', 'ext-authz-opa'],
  start: (t, setup) => withOpa(t, setup, false),
};

export const envoyOpaLogging: Peer = {
  name: 'envoy-opa-logs',
  work: ['spiffe-id', 'limit', 'rules', 'schema', 'log'],
  does: 'as envoy-opa, and a decision log entry for each request, to a file',
  caveat: standIn,
  programs: ['envoy', 'ext-authz-opa'],
  start: (t, setup) => withOpa(t, setup, true),
};

async function withOpa(t: Bench, setup: Setup, decisionLog: boolean): Promise<Running> {
  const { folder, rules, threads } = setup;
  const port = await freePort();
  writePolicy(folder, rules, 'judged-by-rego');
  const bundle = `file://${folder}/policy`;
  const config = writeConfig(folder, 'ext-authz-opa/opa.yaml', { BUNDLE: bundle, DECISION_LOG: String(decisionLog) });
  const words = ['--listen', `127.0.0.1:${port}`, '--config', config];
  const env = { GOMAXPROCS: String(threads) };
  const opa = await launch(t, { command: programPath('ext-authz-opa'), words, folder, port, env });
  const running = await start(t, 'envoy/ext-authz.yaml', setup, { OPA: port });
  return { ...running, pids: [...running.pids, opa] };
}

async function start(t: Bench, template: string, setup: Setup, more: Readonly<Record<string, string | number>>) {
  const { folder, workloadPort, limitPerSecond, threads } = setup;
  const port = await freePort();
  writeCertificates(setup);
  const values = { PORT: port, WORKLOAD: workloadPort, LIMIT: limitPerSecond, ...more };
  // Hot restart would share memory with any other Envoy of this machine.
  const words = ['--concurrency', String(threads), '--disable-hot-restart', '--log-level', 'error'];
  const config = writeConfig(folder, template, values);
  const pid = await launch(t, { command: programPath('envoy'), words: [...words, '-c', config], folder, port });
  return { port, pids: [pid] };
}
