import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { readBundleFiles } from '../../policy/bundle/read.ts';
import { ProxyError } from '../../proxy/errors.ts';
import { cpuSeconds, residentBytes } from '../process.ts';
import type { Bench } from '../run.ts';
import { type Turn, Unable } from '../subject.ts';

/** An `opa` program that runs here. */
export type Opa = { readonly path: string; readonly version: string };

/** What OPA is given so that it decides as the bundle does: Rego and a data file, or a bundle that has its Rego. */
export type OpaPolicy = {
  readonly entrypoint: string;
  readonly source:
    | { readonly kind: 'files'; readonly rego: readonly string[]; readonly data: string }
    | { readonly kind: 'bundle'; readonly path: string };
};

/** Of `opa bench` and `opa eval`, which take nothing without an option. */
export function opaOptions({ source }: OpaPolicy): readonly string[] {
  if (source.kind === 'bundle') return ['--bundle', source.path];
  return [...source.rego, source.data].flatMap((file) => ['--data', file]);
}

export const opaQuery = ({ entrypoint }: OpaPolicy): string =>
  `data${entrypoint
    .split('/')
    .map((name) => `[${JSON.stringify(name)}]`)
    .join('')}`;

/** The program that was named, or the one on the PATH; undefined when there is none. Throws ProxyError for a bad name. */
export async function findOpa(named: string | undefined): Promise<Opa | undefined> {
  const path = named ?? 'opa';
  const said = await output(path, ['version']).catch((cause: NodeJS.ErrnoException) => {
    if (named === undefined || cause.code === undefined) return '';
    throw new ProxyError('bench-peer-unusable', `--with: ${path} cannot be run (${cause.code})`, { cause });
  });
  const [, version] = /^Version: (\S+)$/m.exec(said) ?? [];
  if (version !== undefined && /^Rego Version:/m.test(said)) return { path, version };
  if (named === undefined) return undefined;
  throw new ProxyError(
    'bench-peer-unusable',
    `--with: ${path} is no opa: it does not answer \`opa version\` as OPA does`,
  );
}

/** What a program prints on standard output. Rejects with what it says on standard error. */
export function output(path: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, words, { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 }, (failed, stdout, stderr) => {
      if (failed === null) resolve(stdout);
      // A system error has the code as text; a program that failed has its exit code there.
      else reject(typeof failed.code === 'string' ? failed : new Error(lastLine(stderr) || failed.message));
    });
  });
}

/** The module that OPA itself compiles for its SDK. Throws Unable. */
export async function opaModule({ path }: Opa, { entrypoint, source }: OpaPolicy, folder: string) {
  const out = join(folder, 'stock.tar.gz');
  const given = source.kind === 'bundle' ? ['--bundle', source.path] : source.rego;
  await output(path, ['build', '--target=wasm', `--entrypoint=${entrypoint}`, `--output=${out}`, ...given]).catch(
    (cause: Error) => {
      throw new Unable(`opa build: ${cause.message}`);
    },
  );
  const module = (await readBundleFiles(out)).get('policy.wasm');
  if (module === undefined) throw new Unable('opa build made no policy.wasm');
  return Uint8Array.from(module);
}

/** As OPA's documentation advises for speed. */
export const serverWords = 'run --server --optimize-store-for-read-speed';

export type RunningOpa = {
  readonly pid: number;
  /** Rejects with Unable when it has ended. */
  readonly ended: Promise<never>;
  readonly isOver: () => boolean;
};

export function startOpa(t: Bench, opa: Opa, { source }: OpaPolicy, more: readonly string[]): RunningOpa {
  const given = source.kind === 'bundle' ? ['--bundle', source.path] : [...source.rego, source.data];
  const words = [...serverWords.split(' '), '--log-level=error', '--skip-version-check', ...more, ...given];
  const child = spawn(opa.path, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  // What is wrong with its configuration it says on standard output.
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject).once('close', () => reject(new Unable(`opa run: ${lastLine(said) || 'it ended'}`)));
  });
  // What ends it later shows as a connection that breaks.
  ended.catch(() => undefined);
  return { pid: child.pid ?? 0, ended, isOver: () => child.exitCode !== null };
}

/** What a Go program dies of stands last. */
export const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** What the system says about a process that decided while `work` ran. */
export async function watched(pid: number, work: () => Promise<Float64Array>): Promise<Turn> {
  const before = told(() => cpuSeconds(pid));
  const micros = await work();
  const after = told(() => cpuSeconds(pid));
  const cpuMicros = before === null || after === null ? null : (after - before) * 1e6;
  return { micros, cpuMicros, residentBytes: told(() => residentBytes(pid)) };
}

/** Only Linux has /proc. */
function told(look: () => number): number | null {
  try {
    return look();
  } catch {
    return null;
  }
}

/** Below those that the system gives to whoever wants any: nobody has it by chance before its program listens there. */
export async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  const isFree = await once(server, 'listening').then(
    () => true,
    (): boolean => false,
  );
  if (!isFree) return freePort();
  server.close();
  await once(server, 'close');
  return port;
}
