import type { TrustDomain } from '../../certs/spiffe-id.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import type { JwtBundleConfig, LoadBalancersConfig } from './token-config.ts';

export function checkLoadBalancers(settings: Draft<Settings>, complain: Complain): void {
  const { load_balancers: rules, identity, workload, federation = [] } = settings;
  if (rules === undefined) return;
  for (const [domain, place] of rules.jwt_bundles instanceof Map ? rules.jwt_bundles : []) {
    if (place !== 'federation' || federation.some((entry) => entry?.trust_domain === domain)) continue;
    complain(['load_balancers', 'jwt_bundles', domain], `\`${domain}\` is in none of \`federation\``);
  }
  if (rules.jwt_bundles === 'workload_api' && identity !== undefined && identity.workload_api === undefined) {
    complain(['load_balancers', 'jwt_bundles'], 'there is no `identity.workload_api` whose agent has them', {
      allowed: 'a map from trust domain to file',
    });
  }
  for (const key of ['spiffe_id_header', 'client_cert_header'] as const) {
    // What we write there ourselves nobody may send.
    if (rules.header === undefined || rules.header !== workload?.[key]) continue;
    complain(['load_balancers', 'header'], `\`${rules.header}\` is \`workload.${key}\` already`);
  }
}

function jwtBundle(trustDomain: TrustDomain, place: string): JwtBundleConfig {
  if (place === 'federation') return { trustDomain, file: undefined, isFederated: true };
  return { trustDomain, file: place };
}

export function loadBalancersOf(
  settings: NonNullable<Settings['load_balancers']>,
  { spiffe_id: own, trust_domain: home, workload_api: agent }: Settings['identity'],
): LoadBalancersConfig {
  const { peers, header, token, audience = [own], max_lifetime: maxLifetimeMs, jwt_bundles: bundles } = settings;
  const jwtBundles =
    bundles === 'workload_api'
      ? [home, ...(agent?.federation ?? [])].map((trustDomain) => ({ trustDomain, file: undefined }))
      : [...bundles].map(([name, place]) => jwtBundle(name as TrustDomain, place));
  return { peers, header, optional: token === 'optional', audience, maxLifetimeMs, jwtBundles };
}
