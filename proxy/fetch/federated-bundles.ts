import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CertsError } from '../../certs/errors.ts';
import type { SpiffeBundle } from '../../certs/spiffe-bundle.ts';
import type { FetchedBundleConfig } from '../config/federation-config.ts';
import { MAX_SPIFFE_BUNDLE_BYTES } from '../config/file-checks.ts';
import { ProxyError } from '../errors.ts';
import type { Source } from './keep-fetched.ts';
import { type Network, networkKey } from './network.ts';
import { readBundle } from './read-bundle.ts';

export type FederatedBundle = Pick<SpiffeBundle, 'rootsPem' | 'jwtKeys' | 'sequence' | 'refreshHintMs'> & {
  /** Of what is believed by it, not of its bytes. */
  readonly sha256: string;
};

/** SPIFFE Federation section 4.1. */
const unhintedMs = 300_000;
/** A publisher's slip must neither have us ask all the time nor hide for days what was revoked. */
const hinted = { least: 30_000, most: 3_600_000 } as const;

/** The bundle endpoints that are to be asked, by the trust domain whose bundle they serve. */
export function bundleSources(
  federation: readonly FetchedBundleConfig[],
  network: Network,
  nowMs: () => number,
): Promise<readonly Source<FederatedBundle>[]> {
  return Promise.all(federation.map((entry) => bundleSource(entry, network, nowMs)));
}

async function bundleSource(
  entry: FetchedBundleConfig,
  network: Network,
  nowMs: () => number,
): Promise<Source<FederatedBundle>> {
  const { trustDomain, url, server, refreshMs, maxAgeMs } = entry;
  const bootstrap = server.kind === 'spiffe' ? await readFile(server.bootstrapFile) : undefined;
  const by =
    server.kind === 'web' && server.caFile !== undefined
      ? { ...network, rootsPem: await readFile(server.caFile, 'latin1') }
      : network;
  return {
    name: trustDomain,
    definition: JSON.stringify([
      url,
      server.kind,
      server.kind === 'spiffe' && server.spiffeId,
      bootstrap?.toString('latin1'),
    ]),
    manner: JSON.stringify([refreshMs, maxAgeMs, networkKey(by)]),
    fetch: async (signal, before) => {
      const first = bootstrap === undefined ? undefined : () => readBundle(bootstrap, trustDomain);
      const bytes = await get(entry, before ?? first?.(), by, nowMs, signal);
      return refusedAs(url, () => following(readBundle(bytes, trustDomain), before));
    },
    restMs: ({ refreshHintMs = unhintedMs }) =>
      Math.min(refreshMs ?? Math.min(Math.max(refreshHintMs, hinted.least), hinted.most), maxAgeMs / 2),
    endMs: (_, fetchedMs) => fetchedMs + maxAgeMs,
  };
}

/** Loaded for who has a URL: the client stays in the memory of the process. */
async function get(
  { url, server, trustDomain }: FetchedBundleConfig,
  known: Pick<SpiffeBundle, 'rootsPem'> | undefined,
  network: Network,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { download } = await import('./download.ts');
  const wanted = { url, maxBytes: MAX_SPIFFE_BUNDLE_BYTES, signal };
  if (server.kind === 'web' || known === undefined) return download(wanted, network);
  const { spiffeServer } = await import('./spiffe-server.ts');
  const { rootsPem } = known;
  const judge = spiffeServer({
    trustDomain,
    spiffeId: server.spiffeId,
    rootsPem,
    algorithms: network.algorithms,
    nowMs,
  });
  return download({ ...wanted, judge }, { ...network, rootsPem: rootsPem.join('') });
}

/** Who can hold back what the endpoint says may have kept a bundle from before a root was removed. */
function following(bundle: SpiffeBundle, before: FederatedBundle | undefined): FederatedBundle {
  const { sequence } = bundle;
  if (before?.sequence !== undefined && (sequence === undefined || sequence < before.sequence)) {
    const message = `spiffe_sequence ${sequence ?? 'is missing, and'} comes behind ${before.sequence}, which is in use`;
    throw new CertsError('spiffe-bundle-invalid', message);
  }
  return withDigest(bundle);
}

export function withDigest(bundle: SpiffeBundle): FederatedBundle {
  return { ...bundle, sha256: hash('sha256', JSON.stringify([bundle.rootsPem, bundle.jwtKeys])) };
}

function refusedAs<T>(url: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CertsError)
      throw new ProxyError('fetch-refused', `${url}: ${cause.message}`.replaceAll(/[^ -~]/g, '?').slice(0, 500));
    throw cause;
  }
}
