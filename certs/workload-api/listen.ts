import type { Socket } from 'node:net';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { GrpcMethod } from './proto/message.ts';
import { RefusedCall } from './refused-call.ts';

/** What a method may know of its caller. */
export type Caller = { readonly metadata: (name: string) => readonly string[] };

/** A call that is answered again and again, until the caller has left or the handler ends it. */
export type AnswerStream<Answer> = Caller & {
  /** Resolves when there is room for the next, so that a caller that does not read is not written to without end. */
  readonly send: (answer: Answer) => Promise<void>;
  readonly onLeft: (left: () => void) => void;
};

/** A method with what answers it. Who throws RefusedCall says why; what else is thrown is a bug, of which the caller learns nothing. */
export type Served = (server: Server) => void;

export function single<Request, Answer>(
  { path, responseSerialize, requestDeserialize }: GrpcMethod<Request, Answer>,
  answer: (request: Request, caller: Caller) => Promise<Answer>,
): Served {
  const handle: handleUnaryCall<Request, Answer> = (call, reply) => {
    answer(call.request, callerOf(call.metadata)).then(
      (message) => reply(null, message),
      (error: unknown) => reply(statusOf(error)),
    );
  };
  return (server) => server.register(path, handle, responseSerialize, requestDeserialize, 'unary');
}

export function stream<Request, Answer>(
  { path, responseSerialize, requestDeserialize }: GrpcMethod<Request, Answer>,
  serve: (request: Request, answers: AnswerStream<Answer>) => Promise<void>,
): Served {
  const handle: handleServerStreamingCall<Request, Answer> = (call) =>
    ended(call, serve(call.request, answersOf(call)));
  return (server) => server.register(path, handle, responseSerialize, requestDeserialize, 'serverStream');
}

export function exchange<Request, Answer>(
  { path, responseSerialize, requestDeserialize }: GrpcMethod<Request, Answer>,
  serve: (requests: AsyncIterable<Request>, answers: AnswerStream<Answer>) => Promise<void>,
): Served {
  const handle: handleBidiStreamingCall<Request, Answer> = (call) => {
    // Who stops reading because of what he has read still has a status to send.
    const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
    ended(call, serve(requests, answersOf(call)));
  };
  return (server) => server.register(path, handle, responseSerialize, requestDeserialize, 'bidi');
}

type Call<Answer> = ServerWritableStream<unknown, Answer> | ServerDuplexStream<unknown, Answer>;

function answersOf<Answer>(call: Call<Answer>): AnswerStream<Answer> {
  return {
    ...callerOf(call.metadata),
    send: async (answer) => {
      if (call.destroyed || call.write(answer)) return;
      // Whoever has left reads no more: then `drain` never comes, and `close` does.
      await new Promise<void>((resolve) => {
        const go = () => {
          call.off('drain', go).off('close', go);
          resolve();
        };
        call.on('drain', go).on('close', go);
      });
    },
    onLeft: (left) => {
      // It may have been while its call was being admitted.
      if (call.cancelled || call.destroyed) left();
      else call.once('cancelled', left).once('close', left);
    },
  };
}

/** An error that is emitted becomes the status; `destroy` would end the stream without one. */
function ended<Answer>(call: Call<Answer>, served: Promise<void>): void {
  served.then(
    () => call.end(),
    (error: unknown) => call.emit('error', statusOf(error)),
  );
}

function callerOf(metadata: Metadata): Caller {
  return { metadata: (name) => metadata.get(name).map(String) };
}

function statusOf(error: unknown) {
  const refused = error instanceof RefusedCall ? error : new RefusedCall('INTERNAL', 'internal error');
  return Object.assign(new Error(refused.message), { code: status[refused.code], details: refused.message });
}

/** Of one connection. With as many connections as a socket takes, and each request almost whole, this is 128 MiB that one workload can have us hold. */
const maxStreams = 16;
/** Envoy names its hundreds of extensions in the first request of each stream: 60 KiB. */
const maxRequestBytes = 128 * 1024;
/** A connection on which nobody asks anything is a descriptor for nothing. */
const maxIdleMs = 60_000;

export type GrpcServer = {
  readonly accept: (connection: Socket) => void;
  /** Ends every connection. */
  readonly close: () => void;
};

export function grpcServer(served: readonly Served[]): GrpcServer {
  const server = new Server({
    'grpc.max_concurrent_streams': maxStreams,
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_connection_idle_ms': maxIdleMs,
    // It would keep names and counts of every call for a debugging service that is not offered.
    'grpc.enable_channelz': 0,
  });
  for (const install of served) install(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept: (connection) => {
      // A caller that resets its connection is no failure of ours.
      connection.on('error', () => undefined);
      injector.injectConnection(connection);
    },
    close: () => server.forceShutdown(),
  };
}
