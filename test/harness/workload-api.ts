import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { derToPem } from '../../certs/certificate.ts';
import type { GrpcMethod } from '../../certs/workload-api/proto/message.ts';
import { launchProgram } from './launched.ts';
import { type AuditRecord, newFolder, readAudit, trustDomain } from './proxy.ts';

type Test = { readonly teardown: (task: () => unknown) => unknown };

/** Starts `portcullis workload-api` in a folder; JSON is YAML. */
export async function startWorkloadApi(
  t: Test,
  config: Readonly<Record<string, unknown>>,
  folder: string = newFolder(t),
) {
  writeFileSync(join(folder, 'workload-api.yaml'), JSON.stringify({ trust_domain: trustDomain, ...config }));
  const { child, log, untilLog } = launchProgram(folder, ['workload-api', '-c', 'workload-api.yaml']);
  t.teardown(() => child.kill('SIGKILL'));
  await untilLog((text) => text.includes('"event":"ready"'));
  const audit = (): readonly AuditRecord[] => readAudit(join(folder, 'audit'));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  return { folder, log, untilLog, audit, stop, pid: child.pid };
}

type CallOptions = { readonly metadata?: Readonly<Record<string, string>> };

const securityHeader = { 'workload.spiffe.io': 'true' };

export type Answers<Answer> = {
  /** The next answer. Rejects with the status, as `{ code }`, when there is none. */
  readonly next: () => Promise<Answer>;
  readonly cancel: () => void;
};

/** A gRPC client as Node has it, on a unix socket. */
export function grpcClient(t: Test, socket: string) {
  // Clients of one process would share one connection.
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), options);
  t.teardown(() => client.close());
  return {
    stream: <Request, Answer>(
      method: GrpcMethod<Request, Answer>,
      request: Request,
      { metadata = securityHeader }: CallOptions = {},
    ): Answers<Answer> => {
      const { path, requestSerialize, responseDeserialize } = method;
      const headers = metadataOf(metadata);
      return answersOf(client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, headers));
    },
    exchange: <Request, Answer>({ path, requestSerialize, responseDeserialize }: GrpcMethod<Request, Answer>) => {
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
      return { ...answersOf<Answer>(call), ask: (request: Request) => void call.write(request), end: () => call.end() };
    },
    single: <Request, Answer>(
      { path, requestSerialize, responseDeserialize }: GrpcMethod<Request, Answer>,
      request: Request,
      { metadata = securityHeader }: CallOptions = {},
    ): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const headers = metadataOf(metadata);
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, headers, (failed, answer) => {
          if (failed !== null || answer === undefined) reject(failed ?? new Error('no answer'));
          else resolve(answer);
        });
      }),
  };
}

function metadataOf(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

type Call<Answer> = {
  readonly on: ((event: 'data', listener: (answer: Answer) => void) => unknown) &
    ((event: 'error', listener: (error: ServiceError) => void) => unknown) &
    ((event: 'end', listener: () => void) => unknown);
  readonly cancel: () => void;
};

function answersOf<Answer>(call: Call<Answer>): Answers<Answer> {
  const come: Answer[] = [];
  let over: Error | undefined;
  let wake = () => {};
  call.on('data', (answer) => {
    come.push(answer);
    wake();
  });
  const end = (why: Error) => {
    over ??= why;
    wake();
  };
  call.on('error', end);
  call.on('end', () => end(new Error('the stream has ended')));
  return {
    next: async () => {
      for (;;) {
        const answer = come.shift();
        if (answer !== undefined) return answer;
        if (over !== undefined) throw over;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    cancel: () => call.cancel(),
  };
}

/** Each certificate of DER that stands one behind the other. */
export function pemOf(der: Uint8Array): string {
  let pem = '';
  for (let rest = Buffer.from(der); rest.length > 0; ) {
    const { raw } = new X509Certificate(rest);
    pem += derToPem(raw, 'CERTIFICATE');
    rest = rest.subarray(raw.length);
  }
  return pem;
}
