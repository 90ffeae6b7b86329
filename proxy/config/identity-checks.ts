import { trustDomainOf } from '../../certs/spiffe-id.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import { checkServed } from './workload-api-checks.ts';
import type { World } from './world.ts';

/** What no single key of `identity` can show. */
export function checkIdentity(
  identity: Draft<Settings>['identity'],
  fromEnvironment: World['spiffeEndpoint'],
  complain: Complain,
): void {
  const { spiffe_id: id, trust_domain: domain, workload_api: agent } = identity ?? {};
  if (id !== undefined && domain !== undefined && trustDomainOf(id) !== domain) {
    const suggestion = id.replace(`spiffe://${trustDomainOf(id)}`, `spiffe://${domain}`);
    complain(['identity', 'spiffe_id'], `\`${id}\` is not in the trust domain \`${domain}\``, { suggestion });
  }
  const at = ['identity', 'workload_api'];
  const own = agent?.federation?.indexOf(domain) ?? -1;
  if (domain !== undefined && own >= 0) complain([...at, 'federation', own], `\`${domain}\` is our own trust domain`);
  if (agent?.socket !== 'environment') return;
  const socket = [...at, 'socket'];
  if (fromEnvironment === undefined) {
    complain(socket, 'is not given, and neither is SPIFFE_ENDPOINT_SOCKET in the environment');
  } else if ('wrong' in fromEnvironment) {
    complain(socket, `SPIFFE_ENDPOINT_SOCKET in the environment: ${fromEnvironment.wrong}`);
  }
}

/** Trust domains whose bundle the source of our own identity brings, and how. */
export function ownDomains(identity: Draft<Settings>['identity']): ReadonlyMap<string | undefined, string> {
  const federation = identity?.workload_api?.federation ?? [];
  const ofAgent = federation.map((domain) => [domain, 'in `identity.workload_api.federation` already'] as const);
  return new Map<string | undefined, string>([...ofAgent, [identity?.trust_domain, 'our own trust domain']]);
}

/** The Workload API inside `run` hands out what the local CA of `identity` issues. */
export function checkServedInside(
  { workload_api: served, identity, audit, federation }: Draft<Settings>,
  complain: Complain,
): void {
  if (served === undefined) return;
  const at = ['workload_api'];
  for (const source of ['files', 'workload_api'] as const) {
    if (identity?.[source] === undefined) continue;
    complain(at, `hands out SVIDs of the local CA, and \`identity.${source}\` stands in its place`);
  }
  const closed = [
    [identity?.state, '`identity.state`, where the keys of the CA are'],
    [audit?.folder, '`audit.folder`'],
  ] as const;
  checkServed({ settings: served, domain: identity?.trust_domain, federation, closed }, at, complain);
}
