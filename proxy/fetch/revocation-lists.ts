import { readFile } from 'node:fs/promises';
import type { Crl } from '../../certs/crl.ts';
import { CertsError } from '../../certs/errors.ts';
import { readIssuedLists, readListIssuers } from '../../certs/issued-lists.ts';
import type { RevocationLists } from '../../certs/trust-bundle.ts';
import type { Config } from '../config/config.ts';
import { MAX_CRL_BYTES } from '../config/file-checks.ts';
import { ProxyError } from '../errors.ts';
import { type Network, networkKey } from './network.ts';
import type { Source } from './keep-fetched.ts';

export type Crls = readonly Crl[];

type Entry = Config['crls'][number];

/**
 * The lists of `crls`: those in files as they are now, and of those with a URL what has come by now. A file that cannot be used
 * is replaced by what there was of it `before`, where that is given. Throws CertsError.
 */
export async function readLists(
  { crls }: Pick<Config, 'crls'>,
  fetched: (url: string) => Crls | undefined,
  before: readonly RevocationLists[] = [],
): Promise<readonly RevocationLists[]> {
  return Promise.all(
    crls.map(async (entry) => {
      try {
        return await readOne(entry, fetched);
      } catch (cause) {
        const last = before.find(({ source }) => source === sourceOf(entry));
        if (last === undefined) throw cause;
        return last;
      }
    }),
  );
}

async function readOne(entry: Entry, fetched: (url: string) => Crls | undefined): Promise<RevocationLists> {
  const issuers = await issuersOf(entry);
  const crls = entry.kind === 'url' ? fetched(entry.url) : readIssuedLists(await readFile(entry.file), issuers);
  return { source: sourceOf(entry), issuers: issuers.map(({ subjectName }) => subjectName), crls };
}

function sourceOf(entry: Entry): string {
  return entry.kind === 'url' ? entry.url : entry.file;
}

async function issuersOf({ issuerFile }: Entry) {
  return readListIssuers(await readFile(issuerFile, 'latin1'));
}

/** Those that are to be fetched. */
export async function listSources(
  { crls }: Pick<Config, 'crls'>,
  network: Network,
  nowMs: () => number,
): Promise<readonly Source<Crls>[]> {
  const wanted = crls.filter((entry) => entry.kind === 'url');
  return Promise.all(
    wanted.map(async (entry): Promise<Source<Crls>> => {
      const { url, refreshMs } = entry;
      const issuers = await issuersOf(entry);
      const fingerprints = issuers.map(({ fingerprintSha256 }) => fingerprintSha256);
      return {
        name: url,
        definition: JSON.stringify(fingerprints),
        manner: JSON.stringify([refreshMs, networkKey(network)]),
        fetch: async (signal, before) => {
          // Loaded for who has a URL: the client stays in the memory of the process.
          const { download } = await import('./download.ts');
          const bytes = await download({ url, maxBytes: MAX_CRL_BYTES, signal }, network);
          return refusedAs(url, () => inForce(readIssuedLists(bytes, issuers), before, nowMs()));
        },
        restMs: (lists) => Math.max(1000, Math.min(refreshMs, (firstEndMs(lists) - nowMs()) * 0.8)),
        // It is judged by its own nextUpdate, wherever it is used.
        endMs: () => Number.POSITIVE_INFINITY,
      };
    }),
  );
}

/** Who answers for the server, over http anybody on the way, may have kept a list from before the revocation. */
function inForce(lists: Crls, before: Crls | undefined, nowMs: number): Crls {
  for (const { issuerName, thisUpdateMs, nextUpdateMs } of lists) {
    if (nextUpdateMs < nowMs) throw old(`a list ended ${iso(nextUpdateMs)}`);
    if (thisUpdateMs > nowMs) throw old(`a list begins ${iso(thisUpdateMs)}`);
    const newer = before?.find((one) => one.issuerName === issuerName && one.thisUpdateMs > thisUpdateMs);
    if (newer !== undefined) throw old(`a list of ${iso(thisUpdateMs)} is older than the one there is`);
  }
  return lists;
}

function firstEndMs(lists: Crls): number {
  return Math.min(...lists.map(({ nextUpdateMs }) => nextUpdateMs));
}

function old(message: string): CertsError {
  return new CertsError('revocation-list-invalid', message);
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function refusedAs<T>(url: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CertsError) throw new ProxyError('fetch-refused', `${url}: ${cause.message}`);
    throw cause;
  }
}
