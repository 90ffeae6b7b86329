import { ProxyError } from '../errors.ts';

export type RuntimeVersions = { readonly node: string; readonly openssl: string };

export function runtimeVersions(): RuntimeVersions {
  return { node: process.versions.node, openssl: process.versions.openssl };
}

/**
 * The oldest releases without a published hole that reaches this proxy: CVE-2026-111497 (Brotli decoder),
 * CVE-2026-106069, -106072, -105483 (TLS identity), CVE-2026-105481.
 */
const NODE_FLOORS: ReadonlyMap<number, string> = new Map([
  [24, '24.22.1'],
  [26, '26.12.1'],
]);
const NEWEST_NODE_LINE = Math.max(...NODE_FLOORS.keys());

/** One sentence when Node lacks security fixes; none when all is well. */
export function runtimeWarnings({ node }: Pick<RuntimeVersions, 'node'>): readonly string[] {
  const line = Number(node.split('.')[0]);
  if (line > NEWEST_NODE_LINE) return [];
  const floor = NODE_FLOORS.get(line);
  if (floor === undefined)
    return [`Node ${node} is of a line that gets no security fixes; use ${allFloors()} or newer`];
  if (!below(node, floor)) return [];
  return [`Node ${node} lacks known security fixes (October 2026); use ${floor} or newer`];
}

/** For `--strict-runtime`. Throws ProxyError. */
export function requireFixedRuntime(versions: Pick<RuntimeVersions, 'node'>): void {
  const warnings = runtimeWarnings(versions);
  if (warnings.length > 0) throw new ProxyError('runtime-below-floor', warnings.join('; '));
}

function allFloors(): string {
  return [...NODE_FLOORS.values()].join(' or ');
}

/** A pre-release comes before its release; a part that is no number is below everything (fail closed). */
function below(version: string, floor: string): boolean {
  const [numbers = '', preRelease] = version.split('-', 2);
  const own = numbers.split('.').map(Number);
  for (const [index, least] of floor.split('.').map(Number).entries()) {
    const part = own[index] ?? Number.NaN;
    if (Number.isNaN(part) || part < least) return true;
    if (part > least) return false;
  }
  return preRelease !== undefined;
}
