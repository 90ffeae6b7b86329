import { createRequire } from 'node:module';
import { ProxyError } from '../errors.ts';

export type RuntimeVersions = { readonly node: string; readonly openssl: string; readonly undici: string };

/** `undici` is the package that talks to the workload, not the copy inside Node, which is never used. */
export function runtimeVersions(): RuntimeVersions {
  const manifest: unknown = createRequire(import.meta.url)('undici/package.json');
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    undici: (manifest as { readonly version: string }).version,
  };
}

/**
 * The oldest releases without a published hole that reaches this proxy. Node: CVE-2026-111497 (Brotli decoder),
 * CVE-2026-106069, -106072, -105483 (TLS identity), CVE-2026-105481. undici: CVE-2026-109383 (checkServerIdentity dropped).
 */
const NODE_FLOORS: ReadonlyMap<number, string> = new Map([
  [24, '24.22.1'],
  [26, '26.12.1'],
]);
const NEWEST_NODE_LINE = Math.max(...NODE_FLOORS.keys());
const UNDICI_FLOOR = '8.12.4';

/** One sentence for each part that lacks security fixes; none when all is well. */
export function runtimeWarnings(versions: RuntimeVersions): readonly string[] {
  return [...nodeWarnings(versions.node), ...undiciWarnings(versions.undici)];
}

/** For `--strict-runtime`. Throws ProxyError. */
export function requireFixedRuntime(versions: RuntimeVersions): void {
  const warnings = runtimeWarnings(versions);
  if (warnings.length > 0) throw new ProxyError('runtime-below-floor', warnings.join('; '));
}

function nodeWarnings(version: string): readonly string[] {
  const line = Number(version.split('.')[0]);
  if (line > NEWEST_NODE_LINE) return [];
  const floor = NODE_FLOORS.get(line);
  const known = 'known security fixes (October 2026)';
  if (floor === undefined)
    return [`Node ${version} is of a line that gets no security fixes; use ${allFloors()} or newer`];
  return below(version, floor) ? [`Node ${version} lacks ${known}; use ${floor} or newer`] : [];
}

function allFloors(): string {
  return [...NODE_FLOORS.values()].join(' or ');
}

function undiciWarnings(version: string): readonly string[] {
  return below(version, UNDICI_FLOOR)
    ? [`undici ${version} lacks known security fixes; use ${UNDICI_FLOOR} or newer`]
    : [];
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
