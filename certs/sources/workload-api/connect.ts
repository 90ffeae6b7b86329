import { Client, credentials, Metadata, status, type StatusObject } from '@grpc/grpc-js';
import type { CertsErrorCode } from '../../errors.ts';
import { type GrpcMethod, grpcMethod, message } from '../../workload-api/proto/message.ts';
import {
  JWTBundlesRequestSchema,
  type JWTBundlesResponse,
  SpiffeWorkloadAPI,
  X509SVIDRequestSchema,
  type X509SVIDResponse,
} from '../../workload-api/proto/workload_pb.ts';
import type { Endpoint } from './endpoint.ts';

/** Why a stream has ended. */
export type StreamEnd = { readonly code: CertsErrorCode; readonly message: string };

export type StreamListener<Response> = {
  /** Undefined stands for a message that cannot be read; the stream goes on. */
  readonly received: (response: Response | undefined) => void;
  /** Once; nothing is received any more. */
  readonly ended: (end: StreamEnd) => void;
};

const maxMessageBytes = 4 * 1024 * 1024;

const channelOptions = {
  // A proxy that HTTP_PROXY names would be handed our key.
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': maxMessageBytes,
  // Who calls this waits between attempts; a channel that waits too would make two back-offs of it.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
};

/** Asks the agent; each change comes as a message. Returns how to hang up, after which nobody is called. */
export type Ask<Response> = (endpoint: Endpoint, listener: StreamListener<Response>) => () => void;

/** Our X.509-SVIDs, and whom to trust. */
export const fetchX509Svids: Ask<X509SVIDResponse> = (endpoint, listener) =>
  ask(grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID), message(X509SVIDRequestSchema, {}), endpoint, listener);

/** The keys of JWT-SVIDs of each trust domain. */
export const fetchJwtBundles: Ask<JWTBundlesResponse> = (endpoint, listener) =>
  ask(grpcMethod(SpiffeWorkloadAPI.method.fetchJWTBundles), message(JWTBundlesRequestSchema, {}), endpoint, listener);

/** On a connection of its own. */
function ask<Request, Response>(
  { path, requestSerialize, responseDeserialize }: GrpcMethod<Request, Response>,
  request: Request,
  endpoint: Endpoint,
  { received, ended }: StreamListener<Response>,
): () => void {
  const client = new Client(target(endpoint), credentials.createInsecure(), channelOptions);
  const metadata = new Metadata();
  // SPIFFE Workload Endpoint section 3: no request forged through somebody else's HTTP client carries this.
  metadata.set('workload.spiffe.io', 'true');
  const read = orUndefined(responseDeserialize);
  const call = client.makeServerStreamRequest(path, requestSerialize, read, request, metadata);
  let isOver = false;
  const hangUp = () => {
    isOver = true;
    call.cancel();
    client.close();
  };
  call.on('data', ({ response }: Read<Response>) => {
    if (!isOver) received(response);
  });
  // Every end has a status too.
  call.on('error', () => undefined);
  call.on('status', (last: StatusObject) => {
    if (isOver) return;
    hangUp();
    ended(endOf(last));
  });
  return hangUp;
}

type Read<Response> = { readonly response: Response | undefined };

/** In an object, because gRPC takes undefined for the end. */
function orUndefined<Response>(deserialize: (bytes: Uint8Array) => Response): (bytes: Uint8Array) => Read<Response> {
  return (bytes) => {
    try {
      return { response: deserialize(bytes) };
    } catch {
      return { response: undefined };
    }
  };
}

/** By address alone: nothing is resolved. */
function target(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return host.includes(':') ? `ipv6:[${host}]:${port}` : `ipv4:${host}:${port}`;
}

const maxShown = 300;

function endOf({ code, details }: StatusObject): StreamEnd {
  if (code === status.OK) return { code: 'workload-api-unavailable', message: 'the agent has ended the stream' };
  // What the agent says goes into one line of the log.
  const said = details.slice(0, maxShown).replaceAll(/[^ -~]/gu, '?');
  const message = `${status[code]}: ${said}`;
  return { code: code === status.PERMISSION_DENIED ? 'workload-api-refused' : 'workload-api-unavailable', message };
}
