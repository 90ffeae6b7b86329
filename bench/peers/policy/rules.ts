import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { abacWorkload } from '../../workload/abac/workload.ts';
import { clientId } from '../pki.ts';

type Rule = {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  readonly method: string;
  readonly pattern: readonly string[];
  readonly callers: readonly string[];
};

const here = import.meta.dirname;
export const schemaFile = join(here, 'order.schema.json');

/** The rules of `workload/abac`, with our client among the callers of each, and what is known of that client. */
function policyData(rules: number) {
  const { rule_index: index, resources } = abacWorkload('indexed', rules).data as {
    readonly rule_index: Readonly<Record<string, Readonly<Record<string, readonly Rule[]>>>>;
    readonly resources: Readonly<Record<string, unknown>>;
  };
  const ours = Object.entries(index).map(([method, byRoute]) => {
    const routes = Object.entries(byRoute).map(([route, list]) => {
      return [route, list.map((rule) => ({ ...rule, callers: [...rule.callers, clientId] }))] as const;
    });
    return [method, Object.fromEntries(routes)] as const;
  });
  const names = Object.keys(resources);
  const scopes = names.flatMap((name) => [`${name}:read`, `${name}:write`]);
  const subject = { dept: 'platform', clearance: 3, roles: ['employee', 'auditor'], scopes: scopes.slice(0, 40) };
  return { rule_index: Object.fromEntries(ours), resources, subjects: { [clientId]: subject } };
}

/** The first segments of the paths that the policy allows our client to ask for: as many as it has scopes for. */
export function collections(rules: number): readonly string[] {
  return Object.keys(policyData(rules).resources).slice(0, 10);
}

/** Writes Rego and data into a folder: for Portcullis, which judges bodies itself, or for OPA. */
export function writePolicy(folder: string, rules: number, bodies: 'judged-by-proxy' | 'judged-by-rego'): void {
  mkdirSync(join(folder, 'policy'), { recursive: true });
  cpSync(join(here, 'decision.rego'), join(folder, 'policy/decision.rego'));
  cpSync(join(here, `body-${bodies}.rego`), join(folder, 'policy/body.rego'));
  const schema: unknown = JSON.parse(readFileSync(schemaFile, 'utf8'));
  const data = bodies === 'judged-by-rego' ? { ...policyData(rules), order_schema: schema } : policyData(rules);
  writeFileSync(join(folder, bodies === 'judged-by-rego' ? 'policy/data.json' : 'data.json'), JSON.stringify(data));
}

/**
 * The same rules as policies of Envoy's RBAC filter, as far as it can: identity, method and path. Paths are compared as prefixes and not
 * as templates, which is in its favour.
 */
export function rbacPolicies(rules: number): string {
  const all = Object.values(policyData(rules).rule_index).flatMap((byRoute) => Object.values(byRoute).flat());
  const policies = all
    .filter(({ effect }) => effect === 'allow')
    .map(({ id, method, pattern, callers }) => [
      id,
      {
        permissions: [
          {
            and_rules: {
              rules: [
                { header: { name: ':method', string_match: { exact: method } } },
                { url_path: { path: { prefix: `/${pattern[0]}/` } } },
              ],
            },
          },
        ],
        principals: callers.map((caller) => ({ authenticated: { principal_name: { exact: caller } } })),
      },
    ]);
  return JSON.stringify(Object.fromEntries(policies));
}
