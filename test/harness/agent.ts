import { createPrivateKey } from 'node:crypto';
import { Metadata, Server, ServerCredentials, type ServerWritableStream, type status } from '@grpc/grpc-js';
import { grpcMethod, message } from '../../certs/workload-api/proto/message.ts';
import {
  JWTBundlesResponseSchema,
  SpiffeWorkloadAPI,
  type X509SVID,
  X509SVIDResponseSchema,
  X509SVIDSchema,
} from '../../certs/workload-api/proto/workload_pb.ts';
import type { Credential, Pki } from '../pki/pki.ts';

const { path, responseSerialize } = grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID);
const jwtBundles = grpcMethod(SpiffeWorkloadAPI.method.fetchJWTBundles);

export type OfferedResponse = Parameters<typeof message<typeof X509SVIDResponseSchema>>[1];

/** An agent of the Workload API as it should be, and as it should not: it sends what a test says to whoever asks. */
export type Agent = {
  /** To all that ask and will ask: a response, or bytes that are none. */
  readonly offer: (response: OfferedResponse | Buffer) => void;
  /** By the ID of the trust domain; bytes alone are no message. */
  readonly offerJwtBundles: (bundles: Readonly<Record<string, string>> | Buffer) => void;
  readonly refuse: (code: status, details: string) => void;
  /** Metadata `workload.spiffe.io` of each call so far. */
  readonly asked: () => readonly string[];
  /** Ends every connection and gives the address free. */
  readonly stop: () => void;
  /** `unix:///PATH` or `tcp://127.0.0.1:PORT`. */
  readonly uri: string;
};

type Call = ServerWritableStream<unknown, Buffer>;

/** `where` is the path of a socket; without it the agent listens on loopback. */
export async function startAgent(t: { teardown: (task: () => void) => void }, where?: string): Promise<Agent> {
  const server = new Server();
  const calls = new Set<Call>();
  const asked: string[] = [];
  let answer = (_call: Call): void => undefined;
  const handle = (call: Call) => {
    asked.push(String(call.metadata.get('workload.spiffe.io')));
    calls.add(call);
    call.on('cancelled', () => calls.delete(call));
    answer(call);
  };
  server.register(
    path,
    handle,
    (bytes: Buffer) => bytes,
    () => ({}),
    'serverStream',
  );
  const jwtCalls = new Set<Call>();
  let jwtAnswer: Buffer | undefined;
  const handleJwt = (call: Call) => {
    jwtCalls.add(call);
    call.on('cancelled', () => jwtCalls.delete(call));
    if (jwtAnswer !== undefined) call.write(jwtAnswer);
  };
  server.register(
    jwtBundles.path,
    handleJwt,
    (bytes: Buffer) => bytes,
    () => ({}),
    'serverStream',
  );
  const port = await new Promise<number>((resolve, reject) => {
    const address = where === undefined ? '127.0.0.1:0' : `unix:${where}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (failed, bound) =>
      failed === null ? resolve(bound) : reject(failed),
    );
  });
  const stop = () => server.forceShutdown();
  t.teardown(stop);
  const answerAll = (next: typeof answer) => {
    answer = next;
    for (const call of calls) next(call);
  };
  return {
    offer: (response) => {
      const bytes = Buffer.isBuffer(response) ? response : responseSerialize(message(X509SVIDResponseSchema, response));
      answerAll((call) => void call.write(bytes));
    },
    offerJwtBundles: (bundles) => {
      jwtAnswer = Buffer.isBuffer(bundles) ? bundles : jwtMessage(bundles);
      for (const call of jwtCalls) call.write(jwtAnswer);
    },
    refuse: (code, details) =>
      answerAll((call) => {
        calls.delete(call);
        call.emit('error', { code, details, metadata: new Metadata() });
      }),
    asked: () => asked,
    stop,
    uri: where === undefined ? `tcp://127.0.0.1:${port}` : `unix://${where}`,
  };
}

function jwtMessage(bundles: Readonly<Record<string, string>>): Buffer {
  const bytes = Object.entries(bundles).map(([name, text]) => [name, Buffer.from(text)] as const);
  return jwtBundles.responseSerialize(message(JWTBundlesResponseSchema, { bundles: Object.fromEntries(bytes) }));
}

/** As an agent hands out this credential, unless the test says otherwise. */
export function svidOf(pki: Pki, credential: Credential, path: string, instead: Partial<X509SVID> = {}): X509SVID {
  const whole = message(X509SVIDSchema, {
    spiffeId: `spiffe://${pki.trustDomain}${path}`,
    x509Svid: Buffer.concat(credential.chainDer),
    x509SvidKey: createPrivateKey(credential.keyPem).export({ format: 'der', type: 'pkcs8' }),
    bundle: pki.root.certificate.der,
  });
  return { ...whole, ...instead };
}
