import type { Config } from './config.ts';

/** What a running proxy cannot change: each key of the file with the value it stands for. */
const fixed: Readonly<Record<string, (config: Config) => unknown>> = {
  identity: ({ identity }) => identity,
  listen: ({ listen }) => listen,
  // What ALPN offers is an option of the server.
  http2: ({ http2 }) => http2,
  workload_api: ({ workloadApi }) => workloadApi && { ...workloadApi, audit: undefined },
  audit: ({ audit }) => audit,
  admin: ({ admin }) => admin,
  threads: ({ threads }) => threads,
  drain: ({ drainMs }) => drainMs,
  // Between the other two it changes at once; TLS, trust and our own SVID are of one list of algorithms from start to end.
  profile: ({ profile }) => profile === 'fips',
  installation: ({ installation }) => installation,
  'limits.handshake': ({ limits }) => limits.handshakeMs,
  'limits.max_connections': ({ limits }) => limits.maxConnections,
  'limits.max_identities': ({ limits }) => limits.maxIdentities,
  'limits.max_single_use_tokens': ({ limits }) => limits.maxSingleUseTokens,
  'limits.stall': ({ limits }) => limits.stallMs,
};

/** Each identity has a quota of its own on each of these routes; memory for them is reserved at start. */
export function routesWithQuota({ routes }: Config): number {
  return routes.filter(({ quota }) => quota !== undefined).length;
}

/** The keys in which two configurations differ although only a restart could put the difference into force. */
export function restartOnlyChanges(before: Config, after: Config): readonly string[] {
  return Object.entries(fixed)
    .filter(([, read]) => JSON.stringify(read(before)) !== JSON.stringify(read(after)))
    .map(([key]) => key);
}
