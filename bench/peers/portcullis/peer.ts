import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { launch, writeConfig } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer, Setup } from '../peer.ts';
import { schemaFile, writePolicy } from '../policy/rules.ts';
import type { Bench } from '../../run.ts';

/** What users start: it keeps compiled code between starts. */
const launcher = join(import.meta.dirname, '../../../proxy/cli/portcullis');

export const portcullis: Peer = {
  name: 'portcullis',
  work: ['spiffe-id', 'limit', 'rules', 'schema', 'log'],
  does: 'mutual TLS with SPIFFE IDs, rate limit for each identity, JSON Schema, attribute-based Rego, obligations, chained audit',
  programs: [],
  start: async (t, setup) => {
    const { folder, rules } = setup;
    writePolicy(folder, rules, 'judged-by-proxy');
    cpSync(schemaFile, join(folder, 'order.schema.json'));
    const running = await start(t, 'portcullis/full.yaml', setup);
    let revision = 0;
    return { ...running, reload: () => reviseData(join(folder, 'data.json'), ++revision) };
  },
};

export const portcullisBare: Peer = {
  name: 'portcullis-bare',
  work: ['spiffe-id', 'log'],
  does: 'the least a configuration can do: a policy that says yes, no limit, no schema, audit not waited for',
  programs: [],
  start: (t, setup) => {
    writeAllowingPolicy(setup);
    return start(t, bareTemplate, setup);
  },
};

const bareTemplate = 'portcullis/bare.yaml';

/** The configuration of `portcullis-bare` and what it names, for others that are to be compared with it. */
export function writeBareConfig(setup: Setup, port: number): string {
  writeAllowingPolicy(setup);
  return configure(bareTemplate, setup, port);
}

function writeAllowingPolicy({ folder }: Setup): void {
  mkdirSync(join(folder, 'policy'), { recursive: true });
  cpSync(join(import.meta.dirname, 'allow.rego'), join(folder, 'policy/allow.rego'));
}

async function start(t: Bench, template: string, setup: Setup) {
  const { folder, compiledBefore } = setup;
  const port = await freePort();
  const config = configure(template, setup, port);
  const compiled = join(folder, 'state/policy-cache');
  // Beside the folders of all peers of the run.
  const kept = join(dirname(folder), 'policy-cache');
  if (compiledBefore && existsSync(kept)) cpSync(kept, compiled, { recursive: true });
  const words = ['run', '-c', config];
  const pid = await launch(t, { command: launcher, words, folder, port, ready: '"event":"ready"' });
  cpSync(compiled, kept, { recursive: true });
  return { port, pids: [pid] };
}

function configure(template: string, setup: Setup, port: number): string {
  const { folder, pki, workloadPort, limitPerSecond, threads, audit, routes } = setup;
  pki.copyCa(join(folder, 'state'));
  return writeConfig(folder, template, {
    PORT: port,
    WORKLOAD: workloadPort,
    LIMIT: limitPerSecond,
    THREADS: threads,
    AUDIT: audit,
    MORE_ROUTES: moreRoutes(routes),
  });
}

function moreRoutes(count: number): string {
  return Array.from({ length: count }, (_, n) => `  - { name: r${n}, methods: [GET], path: '/r${n}/{id}' }\n`).join('');
}

/** As a deployment does it: nobody ever sees half a file. */
function reviseData(file: string, revision: number): void {
  const data = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
  writeFileSync(`${file}.next`, JSON.stringify({ ...data, revision }));
  renameSync(`${file}.next`, file);
}
