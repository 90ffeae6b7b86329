import { Client, credentials, Metadata, status, type StatusObject } from '@grpc/grpc-js';
import type { CertsErrorCode } from '../../errors.ts';
import { grpcMethod, message } from '../../workload-api/proto/message.ts';
import {
  SpiffeWorkloadAPI,
  X509SVIDRequestSchema,
  type X509SVIDResponse,
} from '../../workload-api/proto/workload_pb.ts';
import type { Endpoint } from './endpoint.ts';

/** Why a stream has ended. */
export type StreamEnd = { readonly code: CertsErrorCode; readonly message: string };

export type StreamListener = {
  /** Undefined stands for a message that is no X509SVIDResponse; the stream goes on. */
  readonly received: (response: X509SVIDResponse | undefined) => void;
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

const { path, requestSerialize, responseDeserialize } = grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID);

/** Asks for our X.509-SVIDs on a connection of its own; each change comes as a message. Returns how to hang up, after which nobody is called. */
export function fetchX509Svids(endpoint: Endpoint, { received, ended }: StreamListener): () => void {
  const client = new Client(target(endpoint), credentials.createInsecure(), channelOptions);
  const metadata = new Metadata();
  // SPIFFE Workload Endpoint section 3: no request forged through somebody else's HTTP client carries this.
  metadata.set('workload.spiffe.io', 'true');
  const request = message(X509SVIDRequestSchema, {});
  const call = client.makeServerStreamRequest(path, requestSerialize, orUndefined, request, metadata);
  let isOver = false;
  const hangUp = () => {
    isOver = true;
    call.cancel();
    client.close();
  };
  call.on('data', ({ response }: Read) => {
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

type Read = { readonly response: X509SVIDResponse | undefined };

/** In an object, because gRPC takes undefined for the end. */
function orUndefined(bytes: Uint8Array): Read {
  try {
    return { response: responseDeserialize(bytes) };
  } catch {
    return { response: undefined };
  }
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
