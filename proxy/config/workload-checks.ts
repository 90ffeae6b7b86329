import { trustDomainOf } from '../../certs/spiffe-id.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import { federatedDomains } from './federated-routes.ts';
import type { Settings } from './options.ts';
import { placesOf } from './workload-places.ts';

export function checkWorkloadTls(settings: Draft<Settings>, complain: Complain): void {
  checkIds(settings, complain);
  checkEnd(settings, complain);
  checkStandby(settings, complain);
}

function checkStandby({ workload }: Draft<Settings>, complain: Complain): void {
  if (workload?.standby === undefined || workload.breaker !== undefined) return;
  const message = 'would never be asked: nothing says when the workload is left alone';
  complain(['workload', 'standby'], message, { allowed: 'with `workload.breaker`, such as `{}`' });
}

/** An ID whose trust domain has no bundle could never be proved. */
function checkIds(settings: Draft<Settings>, complain: Complain): void {
  const home = settings.identity?.trust_domain;
  if (home === undefined) return;
  const domains = [home, ...federatedDomains(settings)];
  for (const [path, { tls }] of placesOf(settings)) {
    tls?.spiffe_ids?.forEach((id, index) => {
      if (id === undefined || domains.includes(trustDomainOf(id))) return;
      const message = `the trust domain of \`${id}\` has its bundle from nowhere`;
      const allowed = `IDs of ${domains.map((domain) => `\`${domain}\``).join(', ')}`;
      complain([...path, 'tls', 'spiffe_ids', index], message, { allowed });
    });
  }
}

/**
 * A body that ends with the connection is whole only where the workload has said that it ends it (close_notify; RFC 9112 section 9.8).
 * Node reports that as it reports a FIN, which anybody on the way can send.
 */
function checkEnd(settings: Draft<Settings>, complain: Complain): void {
  const withTls = placesOf(settings).find(([, { tls }]) => tls !== undefined);
  if (withTls === undefined || settings.workload?.unsafe_close_delimited !== true) return;
  const message = `with \`${withTls[0].join('.')}.tls\`, whoever is on the way could cut an answer short and nobody would see it`;
  complain(['workload', 'unsafe_close_delimited'], message, { allowed: '`false`' });
}
