import { addressText, isLoopback, sameSocket } from './address.ts';
import type { Address } from './config.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import type { Advice, Path } from './problem.ts';
import { placesOf } from './workload-places.ts';

/** Called with the path of the key that is wrong. */
export type Complain = (path: Path, message: string, advice?: Advice) => void;

type Limits = Draft<Settings['limits']>;

/** What no single key can show: two keys that contradict each other, or this machine. */
export function checkSettings(settings: Draft<Settings>, firstFreePort: number, complain: Complain): void {
  checkWorkload(settings, complain);
  checkExposure(settings, complain);
  checkAddresses(settings, complain);
  checkPrivilegedPorts(settings, firstFreePort, complain);
  checkFolders(settings, complain);
  checkPolicy(settings, complain);
  if (settings.limits !== undefined) checkLimits(settings.limits, complain);
}

function checkWorkload({ workload }: Draft<Settings>, complain: Complain): void {
  const { spiffe_id_header: id, client_cert_header: certificate } = workload ?? {};
  if (id === undefined || id !== certificate) return;
  complain(['workload', 'client_cert_header'], `\`${id}\` is the spiffe_id_header already`);
}

/** SP 800-204A SM-DR6: between the proxy and its workload there is loopback, a unix socket or mutual TLS, and no open network. */
function checkExposure(settings: Draft<Settings>, complain: Complain): void {
  const { admin, unsafe_remote_workload: remoteWorkload, unsafe_remote_admin: remoteAdmin } = settings;
  for (const [path, { address, tls }] of placesOf(settings)) {
    if (address === undefined || tls !== undefined || remoteWorkload === true || isLoopback(address)) continue;
    complain(
      [...path, 'address'],
      `${addressText(address)} is not loopback: others could reach the workload past this proxy`,
      {
        allowed: `127.0.0.0/8, [::1], localhost, unix:PATH; or \`${path.join('.')}.tls\`; or \`unsafe_remote_workload: true\``,
      },
    );
  }
  if (admin !== undefined && admin !== 'off' && remoteAdmin !== true && !isLoopback(admin)) {
    complain(
      ['admin'],
      `${addressText(admin)} is not loopback: anyone who reaches it reads metrics and snapshot in clear text`,
      {
        allowed: '127.0.0.0/8, [::1], localhost, unix:PATH, off; or `unsafe_remote_admin: true`',
      },
    );
  }
}

function checkAddresses(settings: Draft<Settings>, complain: Complain): void {
  const { listen, admin, workload_api: served } = settings;
  const named: (readonly [Path, Address | undefined])[] = [
    [['listen'], listen],
    ...placesOf(settings).map(([path, { address }]) => [[...path, 'address'], address] as const),
    [['admin'], admin === 'off' ? undefined : admin],
    [['workload_api', 'bundle_endpoint', 'listen'], served?.bundle_endpoint?.listen],
  ];
  named.forEach(([path, mine], index) => {
    for (const [other, theirs] of named.slice(0, index)) {
      if (mine === undefined || theirs === undefined || !sameSocket(mine, theirs)) continue;
      complain(path, `${addressText(mine)} is the address of \`${other[0]}\` too`);
    }
  });
}

function checkPrivilegedPorts({ listen, admin }: Draft<Settings>, firstFreePort: number, complain: Complain): void {
  for (const [key, one] of [
    ['listen', listen],
    ['admin', admin],
  ] as const) {
    if (one === undefined || one === 'off' || one.kind !== 'tcp') continue;
    if (one.port === 0 || one.port >= firstFreePort) continue;
    complain([key], `this user may not listen on port ${one.port}`, {
      allowed: `a port from ${firstFreePort} up, or grant CAP_NET_BIND_SERVICE`,
    });
  }
}

function checkFolders({ identity, audit }: Draft<Settings>, complain: Complain): void {
  if (audit?.folder === undefined || audit.folder !== identity?.state) return;
  complain(['audit', 'folder'], 'is the `identity.state` folder; whoever collects the audit would read the keys');
}

function checkPolicy({ policy, limits }: Draft<Settings>, complain: Complain): void {
  if (policy === undefined) return;
  const { bundle, data, engine, strict_builtin_errors: strict, deadline } = policy;
  if (bundle !== undefined && data !== undefined) complain(['policy', 'data'], 'a bundle brings its own data');
  if (strict === true && engine !== undefined && engine !== 'plan') {
    const message = `\`engine: ${engine}\` cannot: OPA's WebAssembly makes a call that fails undefined`;
    complain(['policy', 'strict_builtin_errors'], message, { allowed: 'false, or `engine: plan`' });
  }
  if (deadline !== undefined && limits?.stall !== undefined && deadline >= limits.stall) {
    complain(['policy', 'deadline'], 'is not less than `limits.stall`, so it would never take effect');
  }
}

const ORDERED: readonly (readonly [keyof Settings['limits'], keyof Settings['limits']])[] = [
  ['max_connections_per_identity', 'max_connections'],
  ['max_in_flight_per_identity', 'max_in_flight'],
  ['body_idle', 'body'],
];

function checkLimits(limits: Limits, complain: Complain): void {
  for (const [smaller, larger] of ORDERED) {
    const [less, more] = [limits[smaller], limits[larger]];
    if (less === undefined || more === undefined || less <= more) continue;
    complain(['limits', smaller], `is more than \`${larger}\`, so it would never take effect`);
  }
}
