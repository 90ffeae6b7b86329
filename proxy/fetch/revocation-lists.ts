import { readFile } from 'node:fs/promises';
import type { Certificate } from '../../certs/certificate.ts';
import type { Crl } from '../../certs/crl.ts';
import { CertsError } from '../../certs/errors.ts';
import { isIssuedBy, readIssuedLists, readListIssuers } from '../../certs/issued-lists.ts';
import type { RevocationLists } from '../../certs/trust-bundle.ts';
import type { Config } from '../config/config.ts';
import { MAX_CRL_BYTES } from '../config/file-checks.ts';
import { ProxyError } from '../errors.ts';
import { type Network, networkKey } from './network.ts';
import type { Source } from './keep-fetched.ts';

export type Crls = readonly Crl[];

type Entry = Config['crls'][number];

/** What stands in for a file that cannot be used, and who is told why it cannot. */
export type LastLists = {
  readonly lists: readonly RevocationLists[];
  readonly failed: (cause: unknown) => void;
};

/**
 * The lists of `crls`: those in files as they are now, and of those with a URL what has come by now. A file that cannot be used
 * is replaced by the `last` there was of it, where that is given. Throws CertsError.
 */
export async function readLists(
  { crls }: Pick<Config, 'crls'>,
  fetched: (url: string) => Crls | undefined,
  last?: LastLists,
): Promise<readonly RevocationLists[]> {
  return Promise.all(
    crls.map(async (entry) => {
      try {
        return await readOne(entry, fetched);
      } catch (cause) {
        const found = last?.lists.find(({ source }) => source === sourceOf(entry));
        if (found === undefined) throw cause;
        last?.failed(cause);
        return found;
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
          return refusedAs(url, () => inForce({ lists: readIssuedLists(bytes, issuers), before, issuers }, nowMs()));
        },
        restMs: (lists) => Math.max(1000, Math.min(refreshMs, (firstEndMs(lists) - nowMs()) * 0.8)),
        // It is judged by its own nextUpdate, wherever it is used.
        endMs: () => Number.POSITIVE_INFINITY,
      };
    }),
  );
}

type Offered = {
  /** At least one of each issuer. */
  readonly lists: Crls;
  readonly before: Crls | undefined;
  readonly issuers: readonly Certificate[];
};

/**
 * Who answers for the server, over http anybody on the way, may have kept a list from before the revocation. Compared issuer by
 * issuer, because CAs may share a name, and by its newest list, because an older one may come along.
 */
function inForce({ lists, before = [], issuers }: Offered, nowMs: number): Crls {
  const early = lists.find(({ thisUpdateMs }) => thisUpdateMs > nowMs);
  if (early !== undefined) throw old(`a list begins ${iso(early.thisUpdateMs)}`);
  const current = lists.filter(({ nextUpdateMs }) => nextUpdateMs >= nowMs);
  for (const issuer of issuers) {
    const newestMs = newestOf(lists, issuer);
    if (newestOf(current, issuer) < newestMs) throw old(`the list of ${iso(newestMs)} has ended`);
    if (newestOf(before, issuer) > newestMs) throw old(`a list of ${iso(newestMs)} is older than the one there is`);
  }
  return current;
}

/** When the newest list of this issuer began. */
function newestOf(lists: Crls, issuer: Certificate): number {
  return Math.max(...lists.filter((crl) => isIssuedBy(crl, issuer)).map(({ thisUpdateMs }) => thisUpdateMs));
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
