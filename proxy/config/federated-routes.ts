import type { TrustDomain } from '../../certs/spiffe-id.ts';
import type { Complain } from './checks.ts';
import type { Config } from './config.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import { nearest } from './section.ts';

/** That every name in it is one: a slip would close a route that is meant to be open, or name a domain that nobody is of. */
export function checkFederatedRoutes(settings: Draft<Settings>, complain: Complain): void {
  const { federated_routes: given, routes = [], identity } = settings;
  const named: ReadonlyMap<string, readonly (string | undefined)[] | undefined> = given ?? new Map();
  const names = routes.flatMap((route) => route?.name ?? []);
  const domains = foreignDomains(settings);
  for (const [domain, allowed] of named) {
    const at = ['federated_routes', domain];
    if (domain === identity?.trust_domain)
      complain(at, `\`${domain}\` is our own trust domain, of which the policy decides`);
    else if (!domains.includes(domain)) {
      const message = `\`${domain}\` has its bundle from nowhere`;
      complain(at, message, { allowed: listed(domains), suggestion: nearest(domain, domains) });
    }
    allowed?.forEach((name, index) => {
      if (name === undefined || names.includes(name)) return;
      const advice = { allowed: listed(names), suggestion: nearest(name, names) };
      complain([...at, index], `\`${name}\` is the name of no route`, advice);
    });
  }
}

/** Whose workloads can come in at all. */
function foreignDomains(settings: Draft<Settings>): readonly string[] {
  const { identity, load_balancers: rules } = settings;
  const presented = rules?.jwt_bundles instanceof Map ? [...rules.jwt_bundles.keys()] : [];
  return [...new Set([...federatedDomains(settings), ...presented])].filter((one) => one !== identity?.trust_domain);
}

/** Foreign trust domains whose certificates can be verified. */
export function federatedDomains({ federation = [], identity }: Draft<Settings>): readonly string[] {
  const all = [...federation.map((entry) => entry?.trust_domain), ...(identity?.workload_api?.federation ?? [])];
  return all.filter((one) => one !== undefined);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', ');
}

export function federatedRoutesOf(named: Settings['federated_routes']): Config['federatedRoutes'] {
  return named && [...named].map(([domain, routes]) => ({ trustDomain: domain as TrustDomain, routes }));
}

/** Whose callers a route serves; undefined where the policy alone decides. */
export function trustDomainsOf(
  { federatedRoutes, identity }: Pick<Config, 'federatedRoutes' | 'identity'>,
  route: string,
): ReadonlySet<TrustDomain> | undefined {
  if (federatedRoutes === undefined) return undefined;
  const foreign = federatedRoutes.filter(({ routes }) => routes.includes(route));
  return new Set([identity.trustDomain, ...foreign.map(({ trustDomain }) => trustDomain)]);
}
