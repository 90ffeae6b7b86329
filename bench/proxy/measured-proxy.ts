import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../run.ts';
import type { Start, Started } from './proxy-process.ts';
import { apart, type Settings } from './settings.ts';

export type MeasuredProxy = {
  readonly pid: number;
  readonly port: number;
  readonly threads: number;
  /** Seconds spent in each stage so far, and requests that passed it. */
  readonly stages: () => Promise<ReadonlyMap<string, StageSum>>;
};

export type StageSum = { readonly seconds: number; readonly requests: number };

export type Setting = {
  readonly configFile: string;
  readonly cwd: string;
  /** State that each proxy starts with a copy of. */
  readonly stateFolder: string;
  readonly ownKeys: boolean;
};

/** Starts a proxy in a folder of its own. Throws what `startProxy` throws. */
export async function startMeasuredProxy(
  t: Bench,
  settings: Settings,
  folder: string,
  { configFile, cwd, stateFolder, ownKeys }: Setting,
): Promise<MeasuredProxy> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(stateFolder, join(folder, 'state'), { recursive: true });
  const program = fileURLToPath(new URL(`./proxy-process${extname(import.meta.url)}`, import.meta.url));
  // One that is killed while it compiles its policy leaves what it compiles, which then goes with the folder of the run.
  const env = { ...process.env, TMPDIR: folder };
  const child = fork(program, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  t.teardown(() => {
    child.kill('SIGKILL');
    // Until then it may write into the folder, which goes next.
    return gone;
  });
  const text = JSON.stringify(apart(settings, folder, { ownKeys }));
  child.send({ configFile, text, cwd } satisfies Start);
  const over = new AbortController();
  const { signal } = over;
  const [started] = (await Promise.race([
    once(child, 'message', { signal }),
    once(child, 'exit', { signal }).then(([code]) => [{ ok: false, message: `the proxy ended with ${code}` }]),
  ]).finally(() => over.abort())) as [Started];
  if (!started.ok) throw Object.assign(new Error(started.message), { code: started.code, remedy: started.remedy });
  const { port, threads } = started;
  return { pid: child.pid ?? 0, port, threads, stages: () => readStages(join(folder, 'admin.sock')) };
}

async function readStages(socketPath: string): Promise<ReadonlyMap<string, StageSum>> {
  const text = await getMetrics(socketPath);
  const value = (name: string, stage: string) =>
    Number(new RegExp(`^portcullis_stage_seconds_${name}\\{stage="${stage}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const names = [...text.matchAll(/^portcullis_stage_seconds_count\{stage="([^"]+)"\}/gm)].map(([, name = '']) => name);
  return new Map(
    names.map((stage) => [stage, { seconds: value('sum', stage), requests: value('count', stage) }] as const),
  );
}

function getMetrics(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/metrics', host: 'localhost' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject).end();
  });
}
