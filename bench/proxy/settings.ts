import { join } from 'node:path';
import { parseYaml, type YamlNode } from '../../proxy/config/yaml-document.ts';

/** A configuration as its file has it, with the file's own keys. */
export type Settings = { readonly [key: string]: Plain };
type Plain = string | number | boolean | null | readonly Plain[] | Settings;

/** Of a text that `loadConfigFile` has found to be without problems. */
export function settingsOf(yaml: string): Settings {
  const { root } = parseYaml(yaml);
  if (root === undefined) throw new TypeError('a configuration that was loaded is YAML');
  return plain(root) as Settings;
}

function plain(node: YamlNode): Plain {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
}

/**
 * The same proxy on ports, folders and keys of its own, so that one that runs is not disturbed, and with limits that let load through.
 * What the limits cost is paid all the same: they are raised, not taken away. The sockets of `workload_api` stay with the one that
 * runs, and a CA of the run takes the place of its agent, whose foreign trust domains are then nobody's. The standby of a workload gets
 * none of the load, and no breaker hides what that does.
 */
export function apart(settings: Settings, folder: string, { ownKeys }: { readonly ownKeys: boolean }): Settings {
  const { workload_api: _served, federated_routes: federated, ...kept } = settings;
  const { passphrase_file, files, workload_api, ...identity } = section(settings['identity']);
  const source = ownKeys ? given({ passphrase_file, files, workload_api }) : {};
  return {
    ...kept,
    workload: withoutBreaker(settings['workload'] as Plain),
    ...(ownKeys || workload_api === undefined ? given({ federated_routes: federated }) : {}),
    identity: { ...identity, ...source, state: join(folder, 'state') },
    listen: '127.0.0.1:0',
    admin: `unix:${join(folder, 'admin.sock')}`,
    audit: { ...section(settings['audit']), folder: join(folder, 'audit') },
    limits: { ...section(settings['limits']), ...raisedLimits },
    routes: routes(settings, (route) =>
      route['quota'] === undefined ? route : { ...route, quota: { requests: 1_000_000, per: '1s' } },
    ),
  };
}

function withoutBreaker(workload: Plain): Plain {
  if (typeof workload === 'string') return workload;
  const { standby: _standby, breaker: _breaker, ...kept } = section(workload);
  return kept;
}

function given(settings: Readonly<Record<string, Plain | undefined>>): Settings {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

const raisedLimits: Settings = {
  keep_alive: '10m',
  max_connections: 1_000_000,
  max_connections_per_identity: 1_000_000,
  max_requests_per_connection: 1_000_000,
  max_in_flight: 1_000_000,
  max_in_flight_per_identity: 1_000_000,
};

/** In front of a workload that is asked in clear text. */
export function withWorkload(settings: Settings, address: string): Settings {
  const own = settings['workload'];
  const { tls: _tls, ...kept } = section(own);
  return { ...settings, workload: typeof own === 'string' ? address : { ...kept, address } };
}

export function section(value: Plain | undefined): Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Settings) : {};
}

export function routes(settings: Settings, change: (route: Settings) => Settings): readonly Settings[] {
  return (settings['routes'] as readonly Settings[]).map(change);
}
