import { pemBlocks } from '../certificate.ts';
import { keepTold } from './keep-told.ts';
import { type AnswerStream, type Served, stream } from './listen.ts';
import { grpcMethod, message } from './proto/message.ts';
import {
  SpiffeWorkloadAPI,
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
} from './proto/workload_pb.ts';
import { RefusedCall } from './refused-call.ts';
import { requireSecurityHeader } from './security-header.ts';
import { delivery, type ServedSocket, watchEach } from './served-socket.ts';
import { rootsDer as rootsOf, type ServedTrust } from './served-trust.ts';

/** The X.509-SVID profile of the SPIFFE Workload API. */
export function x509Methods(socket: ServedSocket): readonly Served[] {
  const { fetchX509SVID, fetchX509Bundles } = SpiffeWorkloadAPI.method;
  return [
    stream(grpcMethod(fetchX509SVID), (_, answers) =>
      socket.guard(fetchX509SVID.name, async () => {
        requireSecurityHeader(answers);
        await sendSvids(socket, fetchX509SVID.name, answers);
      }),
    ),
    stream(grpcMethod(fetchX509Bundles), (_, answers) =>
      socket.guard(fetchX509Bundles.name, async () => {
        requireSecurityHeader(answers);
        await sendBundles(socket, answers);
      }),
    ),
  ];
}

async function sendSvids(
  { svids, trust, recorded }: ServedSocket,
  method: string,
  answers: AnswerStream<X509SVIDResponse>,
): Promise<void> {
  if (svids.length === 0) throw new RefusedCall('PERMISSION_DENIED', 'no identity for this socket');
  let held: Awaited<ReturnType<typeof watchEach>> = [];
  await keepTold(answers, {
    watch: async (watcher) => {
      held = await watchEach(svids, watcher);
      const stop = trust.watch(watcher.changed);
      return () => {
        stop();
        for (const { release } of held) release();
      };
    },
    answer: async () => {
      const { rootsDer, crlsDer } = trust.current();
      const current = held.map((one) => one.current());
      for (const svid of current) await recorded(delivery(method, svid));
      return message(X509SVIDResponseSchema, {
        svids: current.map(({ spiffeId, chainPem, keyPem }, index) => ({
          spiffeId,
          x509Svid: der(chainPem, 'CERTIFICATE'),
          x509SvidKey: der(keyPem, 'PRIVATE KEY'),
          bundle: rootsDer,
          hint: svids[index]?.hint ?? '',
        })),
        crl: [...crlsDer],
        federatedBundles: federatedRoots(trust),
      });
    },
  });
}

async function sendBundles({ trust }: ServedSocket, answers: AnswerStream<X509BundlesResponse>): Promise<void> {
  await keepTold(answers, {
    watch: async ({ changed }) => trust.watch(changed),
    answer: async () => {
      const { rootsDer, crlsDer } = trust.current();
      return message(X509BundlesResponseSchema, {
        bundles: { ...federatedRoots(trust), [`spiffe://${trust.trustDomain}`]: rootsDer },
        crl: [...crlsDer],
      });
    },
  });
}

function federatedRoots({ federated }: ServedTrust): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.fromEntries(federated().map((one) => [`spiffe://${one.trustDomain}`, rootsOf(one)]));
}

/** One behind the other, as the Workload API wants them. */
function der(pem: string, label: string): Uint8Array<ArrayBuffer> {
  return Buffer.concat(pemBlocks(pem, label) ?? []);
}
