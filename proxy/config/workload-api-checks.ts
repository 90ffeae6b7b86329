import { dirname, sep } from 'node:path';
import { trustDomainOf } from '../../certs/spiffe-id.ts';
import { checkBundleEndpoint } from './bundle-endpoint-options.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { WorkloadApiSettings } from './workload-api-options.ts';

type Drafted = Draft<WorkloadApiSettings>;

/** What no single key can show: identities of another trust domain, and folders that two can enter. */
export function checkWorkloadApi(settings: Drafted, complain: Complain): void {
  checkTrustDomain(settings, complain);
  checkToldApart(settings, complain);
  checkFolders(settings, complain);
  checkBundleEndpoint(settings.bundle_endpoint, settings.trust_domain, ['bundle_endpoint'], complain);
}

function checkTrustDomain({ trust_domain: domain, sockets = [] }: Drafted, complain: Complain): void {
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
function checkToldApart({ sockets = [] }: Drafted, complain: Complain): void {
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

/** Who may enter a folder may enter what is below it, if that lets the same group in. */
function checkFolders({ sockets = [], state, audit }: Drafted, complain: Complain): void {
  const folders = sockets.map((socket) => (socket?.path === undefined ? undefined : dirname(socket.path)));
  folders.forEach((folder, index) => {
    const key = ['sockets', index, 'path'];
    const other = folders.findIndex((one, at) => at < index && meet(one, folder));
    if (other !== -1) complain(key, `shares its folder with sockets[${other}], so each workload could be the other`);
    if (meet(folder, state)) complain(key, 'shares its folder with `state`, where the keys of the CA are');
    if (meet(folder, audit?.folder)) complain(key, 'shares its folder with `audit.folder`');
  });
}

function meet(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
  return within(a, b) || within(b, a);
}
