import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';

export function checkLoadBalancers(settings: Draft<Settings>, complain: Complain): void {
  const { load_balancers: rules, identity, workload } = settings;
  if (rules === undefined) return;
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
