import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type LocalCa, openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { parseSpiffeId, parseTrustDomain } from '../../certs/spiffe-id.ts';
import type { ClientCredential } from './client.ts';
import { launchProgram } from './launched.ts';

export const trustDomain = 'test.example';
/** Allowed by the policy of the harness; any other identity is denied. */
export const clientId = `spiffe://${trustDomain}/ns/t/sa/client`;
export const strangerId = `spiffe://${trustDomain}/ns/t/sa/stranger`;

/** Compiled policies, shared by all tests of this machine: compiling takes a second. */
const policyCache = join(tmpdir(), 'portcullis-test-policies');

const allowClient = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if input.attributes.source.principal == "${clientId}"
`;

export type ProxySetup = {
  readonly workloadPort: number;
  /** Replaces keys of the default configuration; JSON is YAML. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further files beside the configuration, such as schemas; `policy/authz.rego` replaces the policy. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Added to `run`, such as `['--standby-compiler']`. */
  readonly switches?: readonly string[];
  /** Put in front of the command, such as `['prlimit', '--nofile=64']`. */
  readonly wrap?: readonly string[];
  /** A module that every thread of the proxy loads first, to count what only it can see. */
  readonly preload?: URL;
  /** Of the CA in `folder`, when its keys are encrypted. */
  readonly passphrase?: string;
  /** An existing folder to start in again. */
  readonly folder?: string;
  /** What is done before the proxy can be ready. */
  readonly whileStarting?: (starting: Pick<TestProxy, 'untilLog' | 'admin'>) => Promise<void>;
};

export type AuditRecord = { readonly [field: string]: unknown } & {
  readonly type: string;
  readonly seq: number;
  readonly stream: string;
  readonly reason?: string;
};

export type TestProxy = {
  readonly port: number;
  readonly folder: string;
  readonly child: ChildProcess;
  /** The CA that the proxy trusts, for issuing clients. */
  readonly ca: LocalCa;
  readonly issue: (spiffeId: string, lifetimeMs?: number) => Promise<ClientCredential>;
  /** Allowed by the default policy of the harness. */
  readonly client: ClientCredential;
  /** Standard error so far: the operator's log, one JSON object a line. */
  readonly log: () => string;
  readonly untilLog: (enough: (log: string) => boolean) => Promise<void>;
  readonly audit: () => readonly AuditRecord[];
  /** Resolves when a record satisfies the test. */
  readonly untilRecord: (wanted: (record: AuditRecord) => boolean) => Promise<AuditRecord>;
  readonly admin: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** Value of the metric line that starts with this text, or 0. */
  readonly metric: (line: string) => Promise<number>;
  /** Sends SIGTERM and resolves to the exit code. */
  readonly stop: () => Promise<number | null>;
};

type Test = { readonly teardown: (task: () => unknown) => unknown };

/** Starts the real proxy process in a folder of its own and waits until it is ready. */
export async function startProxy(t: Test, setup: ProxySetup): Promise<TestProxy> {
  const folder = setup.folder ?? newFolder(t);
  writeSetup(folder, setup);
  const { child, log, untilLog } = launch(folder, setup);
  t.teardown(() => child.kill('SIGKILL'));
  const admin = (path: string) => adminGet(join(folder, 'admin.sock'), path);
  await setup.whileStarting?.({ untilLog, admin });
  await untilLog((text) => text.includes('"event":"ready"'));
  keepPolicyCache(folder);
  const ready = JSON.parse(
    log()
      .split('\n')
      .find((line) => line.includes('"event":"ready"')) ?? '{}',
  ) as { listen: string };
  const ca = await openCa(folder, Date.now, setup.passphrase);
  t.teardown(() => ca.close());
  const issue = async (spiffeId: string, lifetimeMs = 3_600_000): Promise<ClientCredential> => {
    const { chainPem, keyPem } = await ca.issue({ spiffeId: parseSpiffeId(spiffeId), lifetimeMs });
    return { certPem: chainPem, keyPem };
  };
  const audit = () => readAudit(join(folder, 'audit'));
  return {
    port: Number(ready.listen.split(':').at(-1)),
    folder,
    child,
    ca,
    issue,
    client: await issue(clientId),
    log,
    untilLog,
    audit,
    untilRecord: (wanted) => until(() => audit().find(wanted), child),
    admin,
    metric: async (line) => {
      const { body } = await admin('/metrics');
      const found = body.split('\n').find((candidate) => candidate.startsWith(line));
      return found === undefined ? 0 : Number(found.slice(found.lastIndexOf(' ') + 1));
    },
    stop: async () => {
      if (child.exitCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
  };
}

export type FailedStart = { readonly code: number | null; readonly stderr: string };

/** Runs the proxy where it is expected to refuse to start. */
export async function expectNoStart(t: Test, setup: ProxySetup): Promise<FailedStart> {
  const folder = setup.folder ?? newFolder(t);
  writeSetup(folder, setup);
  const { child, log } = launch(folder, setup);
  t.teardown(() => child.kill('SIGKILL'));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr: log() };
}

/** A folder that goes with the test. Short, because unix sockets have short names. */
export function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'pc-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The CA of a folder that `startProxy` uses, or will use. */
export function openCa(folder: string, now: () => number = Date.now, passphrase?: string): Promise<LocalCa> {
  const stateFolder = join(folder, 'state');
  const secret = passphrase === undefined ? {} : { passphrase };
  return openLocalCa({
    stateFolder,
    trustDomain: parseTrustDomain(trustDomain),
    keyAlgorithm: 'P-256',
    now,
    ...secret,
  });
}

function writeSetup(folder: string, { workloadPort, config, files }: ProxySetup): void {
  const defaults = {
    identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
    listen: '127.0.0.1:0',
    workload: `127.0.0.1:${workloadPort}`,
    policy: { rego: './policy' },
    routes: [
      { name: 'any', methods: ['GET', 'HEAD', 'DELETE', 'OPTIONS'], path: '/{rest...}' },
      { name: 'any.write', methods: ['POST', 'PUT', 'PATCH'], path: '/{rest...}', body: 'stream' },
    ],
    admin: 'unix:./admin.sock',
  };
  mkdirSync(join(folder, 'policy'), { recursive: true });
  const all = {
    'policy/authz.rego': allowClient,
    'portcullis.yaml': JSON.stringify({ ...defaults, ...config }),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const own = join(folder, 'state', 'policy-cache');
  if (existsSync(policyCache) && !existsSync(own)) linkFiles(policyCache, own);
}

/** There is none where nothing had to be compiled: a bundle may bring all of it. */
function keepPolicyCache(folder: string): void {
  const own = join(folder, 'state', 'policy-cache');
  if (existsSync(own)) linkFiles(own, policyCache);
}

/** Links, and no copies: a test that runs beside this one finds a file whole or not at all, and nobody writes into one. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(from)) {
    try {
      linkSync(join(from, name), join(to, name));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
  }
}

function launch(folder: string, { env, switches = [], wrap, preload }: ProxySetup) {
  return launchProgram(folder, ['run', '-c', 'portcullis.yaml', ...switches], { env, wrap, preload });
}

function adminGet(socketPath: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, host: 'localhost' }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Whole lines only: the proxy may be writing. */
export function readAudit(folder: string): readonly AuditRecord[] {
  const records: AuditRecord[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!name.endsWith('.ndjson')) continue;
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
    records.push(...lines.map((line) => JSON.parse(line) as AuditRecord));
  }
  return records;
}

/**
 * For what has no event of its own: looks again every few milliseconds, as long as the proxy lives. What the proxy has logged
 * with it is in its log when this resolves: it may lie in the pipe still when the file has been read.
 */
async function until<T>(look: () => T | undefined, child: ChildProcess): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) {
      await setImmediate();
      return found;
    }
    if (child.exitCode !== null) throw new Error('the proxy ended while a test waited for it');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
