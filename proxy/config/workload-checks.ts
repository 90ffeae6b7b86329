import { trustDomainOf } from '../../certs/spiffe-id.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import { federatedDomains } from './federated-routes.ts';
import type { Settings } from './options.ts';

/** An ID whose trust domain has no bundle could never be proved. */
export function checkWorkloadIds(settings: Draft<Settings>, complain: Complain): void {
  const home = settings.identity?.trust_domain;
  if (home === undefined) return;
  const domains = [home, ...federatedDomains(settings)];
  settings.workload?.tls?.spiffe_ids?.forEach((id, index) => {
    if (id === undefined || domains.includes(trustDomainOf(id))) return;
    const message = `the trust domain of \`${id}\` has its bundle from nowhere`;
    const allowed = `IDs of ${domains.map((domain) => `\`${domain}\``).join(', ')}`;
    complain(['workload', 'tls', 'spiffe_ids', index], message, { allowed });
  });
}
