import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { wholeText } from '../../policy/engines/projection.ts';
import { openConnection } from '../load/connection.ts';
import { prepareRequest } from '../load/load-request.ts';
import { answerText } from '../policy/answer.ts';
import type { Stage } from '../result.ts';
import type { Bench } from '../run.ts';
import { type Subject, Unable } from '../subject.ts';
import { freePort, type Opa, type OpaPolicy, serverWords, startOpa, watched } from './opa.ts';

/** OPA's own server, over HTTP on loopback and a connection that is kept. Throws Unable. */
export async function opaServer(t: Bench, opa: Opa, policy: OpaPolicy, inputs: readonly unknown[]): Promise<Subject> {
  const { pid, port } = await start(t, opa, policy);
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const path = `/v1/data/${policy.entrypoint.split('/').map(encodeURIComponent).join('/')}`;
  const url = `http://127.0.0.1:${port}${path}`;
  const ask = await lightClient(t, port, path);
  return {
    name: 'OPA over REST',
    about: `opa ${opa.version}, ${serverWords}, one kept connection on loopback`,
    tells: 'result',
    answers: async () => {
      const answers: string[] = [];
      for (const [index, input] of inputs.entries()) {
        answers.push(answered(await post(agent, url, wholeText({ input })), index));
      }
      return answers;
    },
    turn: (times) =>
      watched(pid, async () => {
        const micros = new Float64Array(inputs.length * times);
        for (let at = 0; at < micros.length; at++) {
          const began = performance.now();
          await ask(wholeText({ input: inputs[at % inputs.length] }));
          micros[at] = (performance.now() - began) * 1000;
        }
        return micros;
      }),
    stages: () => stages(agent, url, inputs),
  };
}

/** Waits for each answer and does not read it, so that as little as possible of the latency is the client's. */
async function lightClient(t: Bench, port: number, path: string): Promise<(body: string) => Promise<void>> {
  let waiting = Promise.withResolvers<void>();
  let gone: Unable | undefined;
  const connection = openConnection({ kind: 'tcp', host: '127.0.0.1', port }, 0, {
    ready: () => waiting.resolve(),
    answered: ({ status }) => {
      if (status === 200) waiting.resolve();
      else waiting.reject(new Unable(`OPA answered with status ${status}`));
    },
    broken: (reason) => {
      gone = lost(reason);
      waiting.reject(gone);
    },
  });
  t.teardown(() => connection.destroy());
  await waiting.promise;
  const headers = { 'content-type': 'application/json' };
  return async (body) => {
    if (gone !== undefined) throw gone;
    waiting = Promise.withResolvers<void>();
    connection.send(prepareRequest({ method: 'POST', path, headers, body }));
    return waiting.promise;
  };
}

const lost = (reason: string) => new Unable(`OPA's server is gone: ${reason}`);

async function start(t: Bench, opa: Opa, policy: OpaPolicy): Promise<{ readonly pid: number; readonly port: number }> {
  const port = await freePort();
  const { pid, ended, isOver } = startOpa(t, opa, policy, [`--addr=127.0.0.1:${port}`]);
  await Promise.race([untilHealthy(`http://127.0.0.1:${port}/health`, isOver), ended]);
  return { pid, port };
}

async function untilHealthy(url: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    if ((await exchange(url, { method: 'GET' }, '').catch(() => undefined))?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Answer = {
  readonly result?: unknown;
  readonly message?: string;
  readonly metrics?: Readonly<Record<string, number>>;
};

async function post(agent: Agent, url: string, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const { status, said } = await exchange(url, { method: 'POST', agent, headers }, body).catch((cause: Error) => {
    throw lost(cause.message);
  });
  const answer = JSON.parse(said) as Answer;
  return status === 200 ? answer : { message: answer.message ?? `status ${status}` };
}

function exchange(
  url: string,
  options: object,
  body: string,
): Promise<{ readonly status: number; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, said }), reject);
    });
    sent.on('error', reject).end(body);
  });
}

function answered({ result, message }: Answer, index: number): string {
  if (message !== undefined) throw new Unable(message, index);
  return answerText(result);
}

/** By OPA's own timers, which it adds to its answer when it is asked to. */
async function stages(agent: Agent, url: string, inputs: readonly unknown[]): Promise<readonly Stage[]> {
  const names = ['serialising', 'input parsing', 'evaluation', 'the rest of its handler', 'HTTP and loopback'] as const;
  const spent = new Map<string, number>(names.map((name) => [name, 0]));
  const add = (name: (typeof names)[number], micros: number) => spent.set(name, (spent.get(name) ?? 0) + micros);
  const count = Math.max(inputs.length, 100);
  for (let at = 0; at < count; at++) {
    const began = performance.now();
    const body = wholeText({ input: inputs[at % inputs.length] });
    const sent = performance.now();
    const { metrics = {} } = await post(agent, `${url}?metrics=true`, body);
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
