import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Pool } from 'undici';
import { cpuSeconds } from '../process.ts';
import type { Bench } from '../run.ts';
import type { Subject } from '../subject.ts';

/** The release that the compiler artefact is built from, so that both run the same Rego. */
const version = 'v1.22.2';
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'node_modules/.cache/portcullis-bench');

type Files = { readonly rego: readonly string[]; readonly data: string };

/** Builds OPA's server and the program around its Go library; undefined without Go. */
export function buildOpa(): { readonly server: string; readonly library: string } | undefined {
  const server = join(folder, 'opa');
  const library = join(folder, 'opa-library');
  try {
    mkdirSync(folder, { recursive: true });
    const source = join(import.meta.dirname, 'opa-library');
    execFileSync('go', ['build', '-o', library, '.'], { cwd: source, stdio: ['ignore', 'ignore', 'inherit'] });
    if (!existsSync(server)) {
      const env = { ...process.env, GOBIN: folder };
      execFileSync('go', ['install', `github.com/open-policy-agent/opa@${version}`], { env, cwd: folder });
    }
    return { server, library };
  } catch (cause) {
    console.log(`without OPA's server and Go library: ${cause instanceof Error ? cause.message : 'no Go'}`);
    return undefined;
  }
}

/** OPA as a Go library, which times itself: what it costs without a network or another process in between. */
export function opaLibrary(t: Bench, program: string, { rego, data }: Files): Subject {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(program, ['data.authz.decision', data, ...rego], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "OPA's Go library",
    decide: async (inputs, rounds) => {
      child.stdin.write(`${JSON.stringify({ inputs, rounds })}\n`);
      const line = await lines.next();
      const said = JSON.parse(String(line.value)) as { nanos: number[]; results: unknown[]; cpuNanos: number };
      return { micros: said.nanos.map((ns) => ns / 1000), results: said.results, cpuMicros: said.cpuNanos / 1000 };
    },
  };
}

/** OPA's own server, over HTTP on loopback and a connection that is kept. */
export async function opaServer(t: Bench, program: string, { rego, data }: Files): Promise<Subject> {
  const port = await freePort();
  const words = ['run', '--server', '--optimize-store-for-read-speed', '--log-level=error', '--skip-version-check'];
  const child = spawn(program, [...words, `--addr=127.0.0.1:${port}`, ...rego, data], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1 });
  t.teardown(() => pool.destroy());
  await untilHealthy(pool);
  const ask = async (input: unknown): Promise<unknown> => {
    const { body } = await pool.request({
      method: 'POST',
      path: '/v1/data/authz/decision',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    });
    return ((await body.json()) as { result: unknown }).result;
  };
  return {
    name: 'OPA over REST',
    decide: async (inputs, rounds) => {
      const micros: number[] = [];
      const results: unknown[] = [];
      const before = cpuSeconds(child.pid ?? 0);
      for (let round = 0; round < rounds; round++) {
        for (const input of inputs) {
          const began = performance.now();
          const result = await ask(input);
          micros.push((performance.now() - began) * 1000);
          if (round === 0) results.push(result);
        }
      }
      return { micros, results, cpuMicros: (cpuSeconds(child.pid ?? 0) - before) * 1e6 };
    },
  };
}

async function untilHealthy(pool: Pool): Promise<void> {
  for (;;) {
    const answer = await pool.request({ method: 'GET', path: '/health' }).catch(() => undefined);
    await answer?.body.dump();
    if (answer?.statusCode === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
