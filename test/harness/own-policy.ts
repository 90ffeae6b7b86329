import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildPolicy } from '../../policy/compiler/compile.ts';
import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { program, programWords } from './program.ts';
import { clientId, newFolder, trustDomain } from './proxy.ts';

const rego = `package portcullis.authz

default decision := {"allow": false, "rule": "default", "reasons": ["no rule allows it"]}

decision := {"allow": true, "rule": "client"} if {
	input.attributes.source.principal == "${clientId}"
	not closed
}

closed if {
	some order in data.closed
	input.portcullis.route.parameters.id == order
}
`;

/** Compiled policies, shared by all tests of this machine; nothing else is kept there by a command that measures. */
const state = join(tmpdir(), 'portcullis-test-own-policy');

export const ownPolicyConfig = {
  identity: { state, trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
  listen: '127.0.0.1:8443',
  workload: '127.0.0.1:9',
  policy: { rego: './policy', data: './data.json' },
  routes: [
    { name: 'read', methods: ['GET'], path: '/orders/{id}' },
    { name: 'place', methods: ['POST'], path: '/orders', body: { 'application/json': './order.schema.json' } },
  ],
};

/** A folder with a configuration, a policy that reads data, and whatever else a test puts there. */
export function ownPolicy(t: Parameters<typeof newFolder>[0], files: Readonly<Record<string, string>> = {}): string {
  const folder = newFolder(t);
  const all = {
    'portcullis.yaml': JSON.stringify(ownPolicyConfig),
    'policy/authz.rego': rego,
    'data.json': JSON.stringify({ closed: ['7', '8'] }),
    'order.schema.json': JSON.stringify({ type: 'object', required: ['items'] }),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The policy of such a folder, compiled. */
export function ownBundle(folder: string): Promise<PolicyBundle> {
  const [regoPaths, dataFile] = [[join(folder, 'policy')], join(folder, 'data.json')];
  const cacheFolder = join(state, 'policy-cache');
  return buildPolicy({ regoPaths, dataFile, entrypoint: 'portcullis/authz/decision', cacheFolder });
}

/** Runs `portcullis bench policy` there, for one round unless told, next to whatever this machine has of OPA. */
export function benchPolicy(folder: string, ...words: readonly string[]) {
  return run(folder, words, process.env);
}

/** The same where neither OPA nor Go is installed: a run of OPA takes longer than all others together. */
export function benchPolicyWithoutOpa(folder: string, ...words: readonly string[]) {
  return run(folder, words, { ...process.env, PATH: '' });
}

function run(folder: string, words: readonly string[], env: NodeJS.ProcessEnv) {
  const rounds = words.includes('--rounds') ? [] : ['--rounds', '1'];
  const all = [...programWords, 'bench', 'policy', ...rounds, ...words];
  const { status, stdout, stderr } = spawnSync(program, all, { cwd: folder, encoding: 'utf8', env });
  return { status, stdout, stderr };
}
