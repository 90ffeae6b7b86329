import { dirname, sep } from 'node:path';
import { trustDomainOf } from '../../certs/spiffe-id.ts';
import { bundleEndpointOf, checkBundleEndpoint } from './bundle-endpoint-checks.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Path } from './problem.ts';
import type { ServedSettings, WorkloadApiSettings } from './workload-api-options.ts';

/** What is served, of which trust domain, and the folders that none of its callers may enter, each with what it has. */
export type Served = {
  readonly settings: Draft<ServedSettings>;
  readonly domain: string | undefined;
  readonly federation: Draft<WorkloadApiSettings>['federation'];
  readonly closed: readonly (readonly [folder: string | undefined, what: string])[];
};

/** What no single key can show: identities of another trust domain, and folders that two can enter. `at` is where it stands. */
export function checkServed({ settings, domain, federation = [], closed }: Served, at: Path, complain: Complain): void {
  const { sockets = [], bundle_endpoint: endpoint } = settings;
  const below: Complain = (key, message, advice) => complain([...at, ...key], message, advice);
  checkTrustDomain(sockets, domain, below);
  checkToldApart(sockets, below);
  checkFederates(
    sockets,
    federation.map((entry) => entry?.trust_domain),
    below,
  );
  checkFolders(sockets, closed, below);
  checkBundleEndpoint(endpoint, domain, ['bundle_endpoint'], below);
}

type Sockets = NonNullable<Draft<ServedSettings>['sockets']>;

function checkTrustDomain(sockets: Sockets, domain: string | undefined, complain: Complain): void {
  sockets.forEach((socket, index) => {
    socket?.svids?.forEach((svid, at) => {
      const id = svid?.spiffe_id;
      if (id === undefined || domain === undefined || trustDomainOf(id) === domain) return;
      const suggestion = id.replace(`spiffe://${trustDomainOf(id)}`, `spiffe://${domain}`);
      const key = ['sockets', index, 'svids', at, 'spiffe_id'];
      complain(key, `\`${id}\` is not in the trust domain \`${domain}\``, { suggestion });
    });
  });
}

/** Workload API section 5.2.1: a hint names one SVID. Envoy asks for its secret by the SPIFFE ID. */
function checkToldApart(sockets: Sockets, complain: Complain): void {
  sockets.forEach((socket, index) => {
    for (const key of ['spiffe_id', 'hint'] as const) {
      const values = socket?.svids?.map((svid) => svid?.[key]) ?? [];
      values.forEach((value, at) => {
        const first = values.indexOf(value);
        if (value === undefined || first === at) return;
        complain(['sockets', index, 'svids', at, key], `\`${value}\` is that of svids[${first}] already`);
      });
    }
  });
}

function checkFederates(sockets: Sockets, known: readonly (string | undefined)[], complain: Complain): void {
  sockets.forEach((socket, index) => {
    socket?.federates_with?.forEach((domain, at) => {
      if (domain === undefined || known.includes(domain)) return;
      const allowed = known.filter((one) => one !== undefined).join(', ') || 'none is configured';
      complain(['sockets', index, 'federates_with', at], `\`${domain}\` is in none of \`federation\``, { allowed });
    });
  });
}

/** Who may enter a folder may enter what is below it, if that lets the same group in. */
function checkFolders(sockets: Sockets, closed: Served['closed'], complain: Complain): void {
  const folders = sockets.map((socket) => (socket?.path === undefined ? undefined : dirname(socket.path)));
  folders.forEach((folder, index) => {
    const key = ['sockets', index, 'path'];
    const shared = folders.findIndex((one, at) => at < index && meet(one, folder));
    if (shared !== -1) complain(key, `shares its folder with sockets[${shared}], so each workload could be the other`);
    for (const [other, what] of closed) if (meet(folder, other)) complain(key, `shares its folder with ${what}`);
  });
}

function meet(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
  return within(a, b) || within(b, a);
}

/** In the words of the program. */
export function servedOf({ sockets, jwt_svid_lifetime: jwtSvidLifetimeMs, bundle_endpoint: endpoint }: ServedSettings) {
  return {
    jwtSvidLifetimeMs,
    bundleEndpoint: bundleEndpointOf(endpoint),
    sockets: sockets.map(({ path, svids, federates_with: federatesWith }) => ({
      path,
      federatesWith,
      svids: svids.map(({ spiffe_id: spiffeId, hint, dns_names: dnsNames }) => ({ spiffeId, hint, dnsNames })),
    })),
  };
}
