import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Ended } from './command.ts';
import { program, programWords } from './program.ts';
import { clientId, newFolder, trustDomain } from './proxy.ts';

const policy = `package portcullis.authz

default decision := {"allow": false}

decision := {"allow": true} if input.attributes.source.principal == "${clientId}"
`;

const schema = {
  type: 'object',
  properties: { id: { type: 'integer' } },
  required: ['id'],
  additionalProperties: false,
};

export type BenchSite = {
  readonly folder: string;
  /** Where the bench may put what it takes away again. */
  readonly temporary: string;
  readonly bench: (...words: readonly string[]) => Promise<Ended>;
  /** The same, with a signal as soon as the proxy answers. */
  readonly interrupted: (signal: NodeJS.Signals, ...words: readonly string[]) => Promise<Ended>;
  readonly leftBehind: () => readonly string[];
};

/** A configuration of somebody's own, whose proxy may be running, and `portcullis bench proxy` on it. */
export function benchSite(t: { readonly teardown: (task: () => unknown) => unknown }, workloadPort = 1): BenchSite {
  const folder = newFolder(t);
  const temporary = newFolder(t);
  const config = {
    identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
    listen: '127.0.0.1:8443',
    workload: `127.0.0.1:${workloadPort}`,
    policy: { rego: './policy' },
    routes: [
      { name: 'read', methods: ['GET'], path: '/orders/{id}', quota: { requests: 2, per: '1h' } },
      { name: 'write', methods: ['POST'], path: '/orders/{id}', body: { 'application/json': './order.schema.json' } },
    ],
  };
  const files = {
    'policy/authz.rego': policy,
    'order.schema.json': JSON.stringify(schema),
    'portcullis.yaml': JSON.stringify(config),
    'order.json': '{"id":1}',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const start = (words: readonly string[]) => {
    const all = [...programWords, 'bench', 'proxy', '-c', 'portcullis.yaml', ...words];
    const env = { ...process.env, TMPDIR: temporary };
    return ended(spawn(program, all, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
  };
  return {
    folder,
    temporary,
    bench: (...words) => start(words).end,
    interrupted: async (signal, ...words) => {
      const { child, end } = start(words);
      await untilThereIsOne('*/*/admin.sock', temporary);
      child.kill(signal);
      return end;
    },
    leftBehind: () => readdirSync(temporary),
  };
}

function ended(child: ReturnType<typeof spawn>) {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  }
  const end = once(child, 'close').then(([code]): Ended => ({ code: Number(code ?? -1), ...texts }));
  return { child, end };
}

/** Of the run, and of one of its proxies. Not looked for deeper: a folder of the CA has another name as soon as it is whole. */
async function untilThereIsOne(pattern: string, cwd: string): Promise<void> {
  while (globSync(pattern, { cwd }).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
