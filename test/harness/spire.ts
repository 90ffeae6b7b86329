import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../bench/peers/opa.ts';
import type { ClientCredential } from './client.ts';
import { eventually } from './process.ts';

/** Of whoever runs the test: the unix attestor of the agent asks the kernel, and so knows the proxy. */
export type SpireEntry = { readonly spiffeId: string; readonly svidSeconds: number };

/** A server and an agent of SPIRE, attested with a join token, that know this user by the given entries. */
export type Spire = {
  /** Of the agent's Workload API. */
  readonly socket: string;
  /** Roots of the trust domain. */
  readonly bundlePem: string;
  /** An SVID straight from the server, as a client that is no workload of this agent. */
  readonly mint: (spiffeId: string) => Promise<ClientCredential>;
  readonly stopAgent: () => Promise<void>;
  /** From the agent, for a workload of this user, once it knows it. */
  readonly jwtSvid: (spiffeId: string, audience: string) => Promise<string>;
  /** Of its bundle endpoint, profile https_spiffe. */
  readonly bundleUrl: string;
  /** A command of `spire-server`; resolves to what it prints. */
  readonly ask: (...words: readonly string[]) => Promise<string>;
  readonly register: (entry: SpireEntry, ...more: readonly string[]) => Promise<void>;
};

type Options = {
  /** Holds `spire-server` and `spire-agent`. */
  readonly programs: string;
  /** Short: sockets have short names. */
  readonly folder: string;
  readonly trustDomain: string;
  readonly entries: readonly SpireEntry[];
};

const demo = new URL('../../deploy/spire/', import.meta.url);

type Test = { readonly teardown: (task: () => unknown) => unknown };

export async function startSpire(t: Test, { programs, folder, trustDomain, entries }: Options): Promise<Spire> {
  const at = (name: string) => join(folder, name);
  const serverSocket = at('server.sock');
  const values: Readonly<Record<string, string>> = {
    FOLDER: folder,
    PORT: String(await freePort()),
    BUNDLE_PORT: String(await freePort()),
    TRUST_DOMAIN: trustDomain,
  };
  for (const name of ['server.conf', 'agent.conf']) {
    const text = readFileSync(new URL(name, demo), 'utf8');
    writeFileSync(
      at(name),
      text.replaceAll(/@([A-Z_]+)@/g, (_, key) => values[key] ?? ''),
    );
  }
  for (const name of ['server-data', 'agent-data']) mkdirSync(at(name));
  const server = join(programs, 'spire-server');
  const ask = async (...words: readonly string[]) => {
    const { stdout } = await promisify(execFile)(server, [...words, '-socketPath', serverSocket]);
    return stdout;
  };

  const running = start(t, server, ['run', '-config', at('server.conf')]);
  await eventually(async () => {
    running.failIfOver();
    return ask('healthcheck').then(
      () => true,
      (): boolean => false,
    );
  });
  const bundlePem = await ask('bundle', 'show');
  writeFileSync(at('bundle.pem'), bundlePem);
  const agentId = `spiffe://${trustDomain}/agent`;
  const token = /^Token: (\S+)$/m.exec(await ask('token', 'generate', '-spiffeID', agentId))?.[1] ?? '';
  const register = async ({ spiffeId, svidSeconds }: SpireEntry, ...more: readonly string[]) => {
    const who = ['-parentID', agentId, '-spiffeID', spiffeId, '-selector', `unix:uid:${process.getuid?.()}`];
    await ask('entry', 'create', ...who, '-x509SVIDTTL', String(svidSeconds), ...more);
  };
  for (const entry of entries) await register(entry);
  const agent = start(t, join(programs, 'spire-agent'), ['run', '-config', at('agent.conf'), '-joinToken', token]);
  return {
    socket: at('agent.sock'),
    bundlePem,
    mint: async (spiffeId) => {
      const minted = mkdtempSync(at('minted-'));
      await ask('x509', 'mint', '-spiffeID', spiffeId, '-ttl', '1h', '-write', minted);
      const read = (name: string) => readFileSync(join(minted, name), 'utf8');
      return { certPem: read('svid.pem'), keyPem: read('key.pem') };
    },
    stopAgent: agent.stop,
    jwtSvid: async (spiffeId, audience) => {
      const words = [
        'api',
        'fetch',
        'jwt',
        '-audience',
        audience,
        '-spiffeID',
        spiffeId,
        '-socketPath',
        at('agent.sock'),
      ];
      const { stdout } = await promisify(execFile)(join(programs, 'spire-agent'), words);
      return /^token\(\S+\):\s+(\S+)/.exec(stdout)?.[1] ?? '';
    },
    bundleUrl: `https://localhost:${values['BUNDLE_PORT']}/`,
    ask,
    register,
  };
}

function start(t: Test, program: string, words: readonly string[]) {
  const child: ChildProcess = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  let over: string | undefined;
  child.once('error', ({ message }) => (over = message));
  child.once('exit', (code, signal) => (over = `ended with ${code ?? signal}`));
  const stop = async () => {
    if (over !== undefined) return;
    const exit = once(child, 'exit');
    child.kill();
    await exit;
  };
  t.teardown(stop);
  const failIfOver = () => {
    if (over !== undefined) throw new Error(`${program}: ${over}\n${said}`);
  };
  return { stop, failIfOver };
}
