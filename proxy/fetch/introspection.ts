import type { Config } from '../config/config.ts';
import type { IntrospectionConfig, IssuerConfig } from '../config/token-config.ts';
import { algorithmsOf } from '../fips/approved.ts';
import { type Introspect, openIntrospection } from '../user/introspection.ts';
import { undecided } from '../user/introspection-answer.ts';
import { judgeAddresses } from './addresses.ts';
import type { Network } from './network.ts';

/** What stands in the files of an issuer's `introspection`. */
export type IntrospectionSecrets = { readonly clientSecret: string; readonly rootsPem: string | undefined };

/** By the name of the issuer, of those that are to be asked. Without its secrets an issuer is not asked, and its tokens are refused. */
export async function openIntrospections(
  config: Pick<Config, 'issuers' | 'fetch' | 'profile'>,
  secrets: ReadonlyMap<string, IntrospectionSecrets>,
): Promise<ReadonlyMap<string, Introspect>> {
  const opened = config.issuers.map(async (issuer) => {
    const { name, introspection } = issuer;
    if (introspection === undefined) return [];
    const known = secrets.get(name);
    if (known === undefined) return [[name, notAsked] as const];
    const network: Network = {
      config: config.fetch,
      mayAsk: judgeAddresses(config.fetch.allow),
      rootsPem: known.rootsPem,
      algorithms: algorithmsOf(config),
    };
    return [[name, await openOne(issuer, introspection, known.clientSecret, network)] as const];
  });
  return new Map((await Promise.all(opened)).flat());
}

const notAsked: Introspect = () => undecided('the server of its issuer is not asked from here');

async function openOne(
  { audience }: IssuerConfig,
  introspection: IntrospectionConfig,
  clientSecret: string,
  network: Network,
): Promise<Introspect> {
  const { endpoint: url, clientId, timeoutMs } = introspection;
  // Loaded for who asks: the client stays in the memory of each thread.
  const { openFormServer } = await import('./post-form.ts');
  const authorization = basic(clientId, clientSecret);
  const post = openFormServer({ url, authorization, timeoutMs, maxBytes: 65_536, maxConnections: 100 }, network);
  const ask = async (token: string) => post(new URLSearchParams({ token, token_type_hint: 'access_token' }));
  return openIntrospection(introspection, audience, ask);
}

/** RFC 6749 section 2.3.1: both are encoded as in a form first, so that a colon in the one does not begin the other. */
function basic(clientId: string, clientSecret: string): string {
  const encoded = [clientId, clientSecret].map((one) => new URLSearchParams([['', one]]).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}
