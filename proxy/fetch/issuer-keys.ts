import { hash } from 'node:crypto';
import { isJsonObject, own } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import type { Config } from '../config/config.ts';
import type { IssuerConfig } from '../config/token-config.ts';
import { MAX_JWKS_BYTES } from '../config/file-checks.ts';
import { ProxyError } from '../errors.ts';
import { readJwks } from '../user/read-jwks.ts';
import type { Source } from './keep-fetched.ts';
import { type Network, networkKey } from './network.ts';

/** The text of a JWK set, found good, and a name for it. */
export type FetchedJwks = { readonly text: string; readonly sha256: string };

/** The key sets that are to be fetched, by the name of their issuer. */
export function keySources({ issuers }: Pick<Config, 'issuers'>, network: Network): readonly Source<FetchedJwks>[] {
  return issuers.flatMap((issuer) => {
    const { keys, name } = issuer;
    if (keys.kind === 'file') return [];
    return [
      {
        name,
        definition: JSON.stringify([issuer.issuer, issuer.algorithms, keys.jwksUri]),
        manner: JSON.stringify([keys.refreshMs, keys.maxAgeMs, networkKey(network)]),
        fetch: async (signal: AbortSignal) => {
          const url = keys.jwksUri ?? (await discover(issuer, network, signal));
          const bytes = await get(url, network, signal);
          await judge(issuer, url, bytes);
          return { text: Buffer.from(bytes).toString('utf8'), sha256: hash('sha256', bytes) };
        },
        restMs: () => keys.refreshMs,
        endMs: (_: FetchedJwks, fetchedMs: number) => fetchedMs + keys.maxAgeMs,
      },
    ];
  });
}

/** Loaded for who has a URL: the client stays in the memory of the process. */
async function get(url: string, network: Network, signal: AbortSignal): Promise<Uint8Array> {
  const { download } = await import('./download.ts');
  return download({ url, maxBytes: MAX_JWKS_BYTES, signal }, network);
}

/** OpenID Connect Discovery 1.0, section 4: the document must say of itself that it is of this issuer. */
async function discover({ issuer }: IssuerConfig, network: Network, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = readJson(url, await get(url, network, signal));
  if (!isJsonObject(document)) throw refused(url, 'is no JSON object');
  if (own(document, 'issuer') !== issuer) throw refused(url, '`issuer` is another than the one that was asked');
  const found = own(document, 'jwks_uri');
  const parsed = typeof found === 'string' ? URL.parse(found) : null;
  if (typeof found !== 'string' || parsed?.protocol !== 'https:' || parsed.username !== '') {
    throw refused(url, '`jwks_uri` is no https URL');
  }
  return found;
}

/** What would not be taken from a file is not taken from a server either. */
async function judge({ algorithms }: IssuerConfig, url: string, bytes: Uint8Array): Promise<void> {
  const { keys, problems } = await readJwks(readJson(url, bytes));
  const [problem] = problems;
  if (problem !== undefined) throw refused(url, `${problem.pointer} ${problem.message}`.trimStart());
  if (!keys.some((key) => algorithms.includes(key.algorithm))) throw refused(url, 'no key is for any of `algorithms`');
}

function readJson(url: string, bytes: Uint8Array): unknown {
  const reading = readStrictJson(bytes, { maxDepth: 16 });
  if (!reading.ok) throw refused(url, `is not acceptable JSON: ${reading.problem.code}`);
  return reading.value;
}

function refused(url: string, why: string): ProxyError {
  return new ProxyError('fetch-refused', `${url}: ${why}`.replaceAll(/[^ -~]/g, '?').slice(0, 500));
}
