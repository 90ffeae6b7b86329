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
 * What the limits cost is paid all the same: they are raised, not taken away.
 */
export function apart(settings: Settings, folder: string, { ownKeys }: { readonly ownKeys: boolean }): Settings {
  const { passphrase_file: passphrase, files, ...identity } = section(settings['identity']);
  const keepsPassphrase = ownKeys && passphrase !== undefined ? { passphrase_file: passphrase } : {};
  const keepsFiles = ownKeys && files !== undefined ? { files } : {};
  return {
    ...settings,
    identity: { ...identity, ...keepsPassphrase, ...keepsFiles, state: join(folder, 'state') },
    listen: '127.0.0.1:0',
    admin: `unix:${join(folder, 'admin.sock')}`,
    audit: { ...section(settings['audit']), folder: join(folder, 'audit') },
    limits: { ...section(settings['limits']), ...raisedLimits },
    routes: routes(settings, (route) =>
      route['quota'] === undefined ? route : { ...route, quota: { requests: 1_000_000, per: '1s' } },
    ),
  };
}

const raisedLimits: Settings = {
  keep_alive: '10m',
  max_connections: 1_000_000,
  max_connections_per_identity: 1_000_000,
  max_requests_per_connection: 1_000_000,
  max_in_flight: 1_000_000,
  max_in_flight_per_identity: 1_000_000,
};

export function withWorkload(settings: Settings, address: string): Settings {
  const given = settings['workload'];
  return { ...settings, workload: typeof given === 'string' ? address : { ...section(given), address } };
}

export function section(value: Plain | undefined): Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Settings) : {};
}

export function routes(settings: Settings, change: (route: Settings) => Settings): readonly Settings[] {
  return (settings['routes'] as readonly Settings[]).map(change);
}
