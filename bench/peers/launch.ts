import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../run.ts';
import type { Setup } from './peer.ts';

/** What stands between two `@` in a configuration that is checked in. */
type Values = Readonly<Record<string, string | number>>;

/** Fills in a configuration that is checked in, and writes it into the folder under its own name. */
export function writeConfig(folder: string, template: string, values: Values): string {
  const text = readFileSync(join(import.meta.dirname, template), 'utf8').replaceAll(
    /@([A-Z_]+)@/g,
    (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${template}: nothing to put in place of @${name}@`);
      return String(value);
    },
  );
  const file = template.slice(template.lastIndexOf('/') + 1);
  writeFileSync(join(folder, file), text);
  return file;
}

/** Of those that take a certificate and key as files. Names are relative: every peer runs in its folder. */
export function writeCertificates({ folder, pki: { rootsPem, server } }: Pick<Setup, 'folder' | 'pki'>): void {
  writeFileSync(join(folder, 'roots.crt'), rootsPem);
  writeFileSync(join(folder, 'server.crt'), server.certPem);
  writeFileSync(join(folder, 'server.key'), server.keyPem, { mode: 0o600 });
  writeFileSync(join(folder, 'server.pem'), `${server.certPem}\n${server.keyPem}`, { mode: 0o600 });
}

export type Launch = {
  readonly command: string;
  readonly words: readonly string[];
  readonly folder: string;
  /** Waits until something listens there, or until it says that it is ready. */
  readonly port: number;
  readonly ready?: string;
  readonly env?: Readonly<Record<string, string>>;
};

/** A policy that is compiled at the start is what takes longest. */
const patienceMs = 60_000;

/** Starts a program in its folder, its output in `output.log` there; it ends with the run. Resolves to its process id. */
export async function launch(t: Bench, { command, words, folder, port, ready, env = {} }: Launch): Promise<number> {
  mkdirSync(join(folder, 'temp'), { recursive: true });
  const log = join(folder, `output-${port}.log`);
  const output = openSync(log, 'a');
  // nginx treats a signal to its group as its own; in a session of its own, Ctrl-C ends the run and not the peers first.
  const stdio = ['ignore', output, output] as const;
  const child = spawn(command, words, {
    cwd: folder,
    stdio: [...stdio],
    env: { ...process.env, ...env },
    detached: true,
  });
  closeSync(output);
  t.teardown(() => end(child));
  const failed = once(child, 'error').then(([cause]) => Promise.reject(cause));
  const said = () => readFileSync(log, 'utf8');
  const isReady = ready === undefined ? () => accepts(port) : async () => said().includes(ready);
  await Promise.race([untilReady(child, log, isReady), failed]);
  return child.pid ?? 0;
}

async function untilReady(child: ChildProcess, log: string, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    if (await isReady()) return;
    const tail = () => readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
    if (child.exitCode !== null)
      throw new Error(`${basename(child.spawnfile)} ended with ${child.exitCode}:\n${tail()}`);
    if (performance.now() > deadline) throw new Error(`${basename(child.spawnfile)} does not get ready:\n${tail()}`);
    await wait(5);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Asks first, since nginx ends its worker only when it is asked; whoever does not listen is killed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const killed = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(killed);
}
