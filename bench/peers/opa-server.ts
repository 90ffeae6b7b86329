import { spawn } from 'node:child_process';
import { Pool } from 'undici';
import { wholeText } from '../../policy/engines/projection.ts';
import { answerText } from '../policy/answer.ts';
import type { Stage } from '../result.ts';
import type { Bench } from '../run.ts';
import { type Subject, Unable } from '../subject.ts';
import { freePort, lastLine, type Opa, type OpaPolicy, watched } from './opa.ts';

/** As OPA's documentation advises for speed. */
const words = ['run', '--server', '--optimize-store-for-read-speed', '--log-level=error', '--skip-version-check'];

/** OPA's own server, over HTTP on loopback and a connection that is kept. Throws Unable. */
export async function opaServer(t: Bench, opa: Opa, policy: OpaPolicy, inputs: readonly unknown[]): Promise<Subject> {
  const { pid, pool } = await start(t, opa, policy);
  const path = `/v1/data/${policy.entrypoint.split('/').map(encodeURIComponent).join('/')}`;
  const ask = (input: unknown) => post(pool, path, wholeText({ input }));
  return {
    name: 'OPA over REST',
    about: `opa ${opa.version}, ${words.slice(0, 3).join(' ')}, one kept connection on loopback`,
    tells: 'result',
    answers: async () => {
      const answers: string[] = [];
      for (const [index, input] of inputs.entries()) answers.push(answered(await ask(input), index));
      return answers;
    },
    turn: (times) =>
      watched(pid, async () => {
        const micros = new Float64Array(inputs.length * times);
        for (let at = 0; at < micros.length; at++) {
          const began = performance.now();
          await ask(inputs[at % inputs.length]);
          micros[at] = (performance.now() - began) * 1000;
        }
        return micros;
      }),
    stages: () => stages(pool, path, inputs),
  };
}

async function start(
  t: Bench,
  opa: Opa,
  { source }: OpaPolicy,
): Promise<{ readonly pid: number; readonly pool: Pool }> {
  const port = await freePort();
  const given = source.kind === 'bundle' ? ['--bundle', source.path] : [...source.rego, source.data];
  const child = spawn(opa.path, [...words, `--addr=127.0.0.1:${port}`, ...given], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1 });
  t.teardown(() => pool.destroy());
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject).once('close', () => reject(new Unable(`opa run: ${lastLine(said) || 'it ended'}`)));
  });
  await Promise.race([untilHealthy(pool, child), ended]);
  // What ends it later shows as a request that fails.
  ended.catch(() => undefined);
  return { pid: child.pid ?? 0, pool };
}

async function untilHealthy(pool: Pool, child: { readonly exitCode: number | null }): Promise<void> {
  while (child.exitCode === null) {
    const answer = await pool.request({ method: 'GET', path: '/health' }).catch(() => undefined);
    await answer?.body.dump();
    if (answer?.statusCode === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Answer = {
  readonly result?: unknown;
  readonly message?: string;
  readonly metrics?: Readonly<Record<string, number>>;
};

async function post(pool: Pool, path: string, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await pool.request({ method: 'POST', path, headers, body });
  const said = (await answer.body.json()) as Answer;
  return answer.statusCode === 200 ? said : { message: said.message ?? `status ${answer.statusCode}` };
}

function answered({ result, message }: Answer, index: number): string {
  if (message !== undefined) throw new Unable(message, index);
  return answerText(result);
}

/** By OPA's own timers, which it adds to its answer when it is asked to. */
async function stages(pool: Pool, path: string, inputs: readonly unknown[]): Promise<readonly Stage[]> {
  const names = ['serialising', 'input parsing', 'evaluation', 'the rest of its handler', 'HTTP and loopback'] as const;
  const spent = new Map<string, number>(names.map((name) => [name, 0]));
  const add = (name: (typeof names)[number], micros: number) => spent.set(name, (spent.get(name) ?? 0) + micros);
  const count = Math.max(inputs.length, 100);
  for (let at = 0; at < count; at++) {
    const began = performance.now();
    const body = wholeText({ input: inputs[at % inputs.length] });
    const sent = performance.now();
    const { metrics = {} } = await post(pool, `${path}?metrics=true`, body);
    const whole = (performance.now() - sent) * 1000;
    const micros = (timer: string) => (metrics[`timer_${timer}_ns`] ?? 0) / 1000;
    const [parse, evaluate, handler] = [
      micros('rego_input_parse'),
      micros('rego_query_eval'),
      micros('server_handler'),
    ];
    add('serialising', (sent - began) * 1000);
    add('input parsing', parse);
    add('evaluation', evaluate);
    add('the rest of its handler', handler - parse - evaluate);
    add('HTTP and loopback', whole - handler);
  }
  return names.map((name) => ({ name, micros: (spent.get(name) ?? 0) / count }));
}
