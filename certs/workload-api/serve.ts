import type { LocalCa } from '../local-ca/local-ca.ts';
import { localCaSource } from '../sources/local-ca.ts';
import type { SpiffeId, TrustDomain } from '../spiffe-id.ts';
import type { WorkloadApiEvent } from './events.ts';
import { keepSvid } from './kept-svid.ts';
import { jwtMethods } from './jwt-methods.ts';
import { grpcServer } from './listen.ts';
import { secretMethods } from './secret-methods.ts';
import { type ServedSocketOptions, servedSocket, type TokenGrant } from './served-socket.ts';
import { type Federation, serveTrust, trustOf } from './served-trust.ts';
import { listenInFolder } from './socket.ts';
import { x509Methods } from './x509-methods.ts';

export type SocketGrant = {
  /** Absolute; its folder is what proves who asks. */
  readonly path: string;
  /** In order: the first is the default. */
  readonly svids: readonly SvidGrant[];
  /** Foreign trust domains whose bundles are told. */
  readonly federatesWith: readonly TrustDomain[];
};

export type SvidGrant = {
  readonly spiffeId: SpiffeId;
  readonly hint: string | undefined;
  readonly dnsNames: readonly string[];
};

export type WorkloadApiOptions = Pick<ServedSocketOptions, 'record' | 'onBug'> & {
  readonly ca: LocalCa;
  readonly sockets: readonly SocketGrant[];
  readonly federation: Federation;
  readonly svidLifetimeMs: number;
  readonly jwtSvidLifetimeMs: number;
  readonly now: () => number;
};

export type WorkloadApi = {
  /** To be called when the revocation list of the CA has changed. Throws CertsError when it cannot be read. */
  readonly lookAgain: () => Promise<void>;
  readonly close: () => void;
};

const maxConnections = 64;

/** Serves the SPIFFE Workload API, and Envoy's secret discovery, on each socket. Throws CertsError. */
export async function serveWorkloadApi(options: WorkloadApiOptions): Promise<WorkloadApi> {
  const { ca, sockets } = options;
  const trust = serveTrust(ca.describe().trustDomain, ca.trustBundle, options.federation);
  let authority: ReturnType<LocalCa['jwtAuthority']> | undefined;
  const tokens: TokenGrant = {
    // Asked for once; one that failed is asked for again.
    authority: () =>
      (authority ??= ca.jwtAuthority().catch((error: unknown) => {
        authority = undefined;
        throw error;
      })),
    lifetimeMs: options.jwtSvidLifetimeMs,
    now: options.now,
  };
  const opened: Awaited<ReturnType<typeof openSocket>>[] = [];
  const close = () => {
    for (const one of opened) one.close();
  };
  try {
    for (const grant of sockets) opened.push(await openSocket(grant, { trust, tokens }, options));
  } catch (error) {
    close();
    throw error;
  }
  return {
    lookAgain: async () => {
      if (!trust.lookAgain()) return;
      const { isRevoked } = trust.current();
      const svids = opened.flatMap((one) => one.svids);
      await Promise.all(svids.map((svid) => svid.replaceIf(({ serial }) => isRevoked(serial))));
    },
    close,
  };
}

async function openSocket(
  { path, svids: granted, federatesWith }: SocketGrant,
  common: Pick<ServedSocketOptions, 'trust' | 'tokens'>,
  { record, onBug, ...rest }: WorkloadApiOptions,
) {
  // Never shared between sockets: two workloads do not have one key, though they may have one name.
  const svids = granted.map((grant) => keepGranted(grant, path, { record, ...rest }));
  const socket = servedSocket({ path, svids, ...common, trust: trustOf(common.trust, federatesWith), record, onBug });
  const grpc = grpcServer([...x509Methods(socket), ...jwtMethods(socket), ...secretMethods(socket)]);
  const listener = await listenInFolder(path, { maxConnections, accept: grpc.accept });
  return {
    svids,
    close: () => {
      listener.close();
      grpc.close();
      for (const svid of svids) svid.close();
    },
  };
}

function keepGranted(
  { spiffeId, hint, dnsNames }: SvidGrant,
  socket: string,
  { ca, svidLifetimeMs: lifetimeMs, now, record }: Omit<WorkloadApiOptions, 'onBug'>,
) {
  const failed = (event: Extract<WorkloadApiEvent, { type: 'svid.renewal-failed' }>) => void record(event);
  const open = () =>
    localCaSource(ca, {
      spiffeId,
      lifetimeMs,
      dnsNames,
      now,
      // That it was renewed, the record of its issue says.
      onEvent: (event) => {
        if (event.type === 'identity.refresh-failed') failed({ ...event, type: 'svid.renewal-failed', socket });
      },
    });
  return keepSvid({ spiffeId, hint, open, now });
}
