import { fileURLToPath } from 'node:url';
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { PolicyInput } from '../../policy/input.ts';
import type { Bench } from '../run.ts';
import { type Subject, Unable } from '../subject.ts';
import { freePort, type Opa, type OpaPolicy, startOpa, watched } from './opa.ts';

/** The members of the input that the OPA-Envoy plugin makes of a question; nothing else reaches its policy. */
const given = ['attributes', 'parsed_path', 'parsed_query', 'parsed_body', 'truncated_body', 'version'];

const plugin = 'envoy_ext_authz_grpc';

export type GrpcQuestion = {
  readonly inputs: readonly unknown[];
  /** What the policy reads, where it is known; otherwise its answers tell. */
  readonly inputPaths: readonly (readonly string[])[] | undefined;
};

/**
 * OPA with its Envoy plugin, asked over gRPC as Envoy asks. It tells no more than whether the request may pass. Throws Unable, for one
 * when this opa has no such plugin.
 */
export async function opaGrpc(
  t: Bench,
  opa: Opa,
  policy: OpaPolicy,
  { inputs, inputPaths }: GrpcQuestion,
): Promise<Subject> {
  const port = await freePort();
  const options = [`plugins.${plugin}.addr=127.0.0.1:${port}`, `plugins.${plugin}.path=${policy.entrypoint}`];
  const words = ['--addr=127.0.0.1:0', ...options.flatMap((option) => ['--set', option])];
  const { pid, ended } = startOpa(t, opa, policy, words);
  const check = await Promise.race([connect(t, port), ended]).catch((thrown: unknown) => {
    const isMissing = thrown instanceof Unable && thrown.message.includes(`"${plugin}" not registered`);
    throw isMissing ? new Unable(`this opa has no plugin ${plugin}`) : thrown;
  });
  const unseen = inputPaths?.find(([first]) => !given.includes(first ?? ''));
  if (unseen !== undefined)
    throw new Unable(`the policy reads input.${unseen.join('.')}, which the plugin does not give`);
  return {
    name: 'OPA over gRPC',
    about: `opa ${opa.version} with ${plugin}, one kept channel on loopback`,
    tells: 'verdict',
    answers: async () => {
      const answers: string[] = [];
      for (const [index, input] of inputs.entries()) answers.push(await check(question(input, index)));
      return answers;
    },
    turn: (times) =>
      watched(pid, async () => {
        const micros = new Float64Array(inputs.length * times);
        for (let at = 0; at < micros.length; at++) {
          const began = performance.now();
          await check(question(inputs[at % inputs.length], at));
          micros[at] = (performance.now() - began) * 1000;
        }
        return micros;
      }),
    stages: async () => [],
  };
}

type Check = (asked: object) => Promise<'allow' | 'deny'>;

/** How long a channel may take to be ready. */
const readyMs = 20_000;

async function connect(t: Bench, port: number): Promise<Check> {
  const proto = fileURLToPath(new URL('ext-authz.proto', import.meta.url));
  const loaded = loadPackageDefinition(loadSync(proto, { longs: Number })) as unknown as {
    readonly envoy: {
      readonly service: { readonly auth: { readonly v3: { readonly Authorization: ServiceClientConstructor } } };
    };
  };
  const service = loaded.envoy.service.auth.v3.Authorization;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 50,
  });
  t.teardown(() => client.close());
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + readyMs, (failed) => (failed === undefined ? resolve() : reject(failed)));
  });
  const { path, requestSerialize, responseDeserialize } = service.service['Check'] as (typeof service.service)[string];
  return (asked) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, asked, (failed, answer) => {
        if (failed !== null) reject(new Unable(failed.message));
        else resolve(isOk(answer) ? 'allow' : 'deny');
      });
    });
}

/** A status that is not there is OK, as in every gRPC answer. */
function isOk(answer: unknown): boolean {
  const { status } = (answer ?? {}) as { readonly status?: { readonly code?: number } | null };
  return (status?.code ?? 0) === 0;
}

/** The input as Envoy would have asked for it: protobuf has a JSON form, and `attributes` is in it. */
function question(input: unknown, index: number): object {
  const { attributes } = input as Partial<PolicyInput>;
  if (attributes === undefined) throw new Unable('it has no attributes', index);
  const { time, http } = attributes.request;
  const ms = Date.parse(time);
  const timestamp = { seconds: Math.floor(ms / 1000), nanos: (((ms % 1000) + 1000) % 1000) * 1e6 };
  return { attributes: { ...attributes, request: { time: timestamp, http: { ...http } } } };
}
