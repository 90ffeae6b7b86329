import { randomBytes } from 'node:crypto';
import { type Bell, createBell } from './bell.ts';
import { type AnswerStream, exchange, type Served, single } from './listen.ts';
import { type DiscoveryRequest, type DiscoveryResponse, DiscoveryResponseSchema } from './proto/discovery_pb.ts';
import { grpcMethod, message } from './proto/message.ts';
import { SecretDiscoveryService } from './proto/sds_pb.ts';
import { RefusedCall } from './refused-call.ts';
import { secretNames, type WatchedSecret, watchSecret } from './secrets.ts';
import type { ServedSocket } from './served-socket.ts';
import type { Watcher } from './kept-svid.ts';

const secretType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/** Envoy's secret discovery (SDS), state of the world, with the names of SPIRE's agent. Envoy sends no security header. */
export function secretMethods(socket: ServedSocket): readonly Served[] {
  const { streamSecrets, fetchSecrets } = SecretDiscoveryService.method;
  return [
    exchange(grpcMethod(streamSecrets), (requests, answers) =>
      socket.guard(streamSecrets.name, () => answerRequests(socket, requests, answers)),
    ),
    single(grpcMethod(fetchSecrets), (request) =>
      socket.guard(fetchSecrets.name, async () => {
        const secrets = watchedSecrets(socket, fetchSecrets.name, { changed: () => {}, failed: () => {} });
        try {
          await secrets.want(namesOf(socket, request, undefined));
          return await secrets.response({ versionInfo: '', nonce: '' });
        } finally {
          secrets.release();
        }
      }),
    ),
  ];
}

/** What one stream has asked for, and what it was answered last. */
type Asked = { names: readonly string[] | undefined; nonce: string; isOver: boolean };

async function answerRequests(
  socket: ServedSocket,
  requests: AsyncIterable<DiscoveryRequest>,
  answers: AnswerStream<DiscoveryResponse>,
): Promise<void> {
  const bell = createBell();
  answers.onLeft(bell.end);
  const asked: Asked = { names: undefined, nonce: '', isOver: false };
  const secrets = watchedSecrets(socket, 'StreamSecrets', { changed: bell.ring, failed: bell.fail });
  void readRequests(socket, requests, asked, bell).catch(bell.fail);
  try {
    for (let version = 1; await bell.rung(); version++) {
      await secrets.want(asked.names ?? []);
      asked.nonce = randomBytes(8).toString('hex');
      await answers.send(await secrets.response({ versionInfo: String(version), nonce: asked.nonce }));
      if (asked.isOver) break;
    }
  } finally {
    secrets.release();
  }
}

/** A request with another nonce than that of the last answer is about an older one; one that asks for nothing new is an acknowledgement. */
async function readRequests(
  socket: ServedSocket,
  requests: AsyncIterable<DiscoveryRequest>,
  asked: Asked,
  bell: Bell,
): Promise<void> {
  try {
    for await (const request of requests) {
      if (request.responseNonce !== asked.nonce) continue;
      const names = namesOf(socket, request, asked.names);
      const isNew = asked.names === undefined || names.join('\n') !== asked.names.join('\n');
      if (isNew && asked.names !== undefined) socket.countQuestion();
      asked.names = names;
      if (isNew) bell.ring();
    }
  } catch (error) {
    // What the stream itself throws is that the caller has left, which it says by other means.
    if (error instanceof RefusedCall) throw error;
  }
  // The last answer is given all the same.
  asked.isOver = true;
  bell.ring();
}

/** The first request may leave the names out and mean all; later, no name means that nothing is wanted any more. */
function namesOf(
  socket: ServedSocket,
  { typeUrl, resourceNames }: DiscoveryRequest,
  before: readonly string[] | undefined,
): readonly string[] {
  if (typeUrl !== '' && typeUrl !== secretType)
    throw new RefusedCall('INVALID_ARGUMENT', `only ${secretType} is served`);
  const names = new Set(resourceNames.filter((name) => name !== ''));
  return names.size === 0 && before === undefined ? secretNames(socket) : [...names].toSorted();
}

function watchedSecrets(socket: ServedSocket, method: string, watcher: Watcher) {
  const watched = new Map<string, WatchedSecret>();
  const drop = (name: string) => {
    watched.get(name)?.release();
    watched.delete(name);
  };
  return {
    want: async (names: readonly string[]) => {
      for (const name of watched.keys()) if (!names.includes(name)) drop(name);
      for (const name of names) {
        if (!watched.has(name)) watched.set(name, await watchSecret(socket, method, name, watcher));
      }
    },
    response: async (about: { readonly versionInfo: string; readonly nonce: string }) => {
      const resources = [];
      for (const { resource } of watched.values()) resources.push(await resource());
      return message(DiscoveryResponseSchema, { ...about, typeUrl: secretType, resources });
    },
    release: () => {
      for (const name of watched.keys()) drop(name);
    },
  };
}
