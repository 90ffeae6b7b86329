import { trustDomainOf } from '../../certs/spiffe-id.ts';
import type { bundleEndpointOptions } from './bundle-endpoint-options.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Path } from './problem.ts';
import type { Values } from './section.ts';
import type { BundleEndpointConfig } from './bundle-endpoint-config.ts';

type Settings = Values<ReturnType<typeof bundleEndpointOptions>['fields']>;

export function checkBundleEndpoint(
  endpoint: Draft<Settings> | undefined,
  domain: string | undefined,
  at: Path,
  complain: Complain,
): void {
  if (endpoint?.profile === undefined) return;
  const { profile, spiffe_id: id } = endpoint;
  const needed = profile === 'https_web' ? (['certificate', 'key'] as const) : (['spiffe_id'] as const);
  for (const key of ['certificate', 'key', 'spiffe_id'] as const) {
    const isNeeded = needed.some((one) => one === key);
    const other = profile === 'https_web' ? 'https_spiffe' : 'https_web';
    if (isNeeded && endpoint[key] === undefined) complain([...at, key], `is required by \`profile: ${profile}\``);
    if (!isNeeded && endpoint[key] !== undefined) complain([...at, key], `is of \`profile: ${other}\``);
  }
  if (id !== undefined && domain !== undefined && trustDomainOf(id) !== domain) {
    complain([...at, 'spiffe_id'], `\`${id}\` is not in the trust domain \`${domain}\``);
  }
}

export function bundleEndpointOf(settings: Settings | undefined): BundleEndpointConfig | undefined {
  if (settings === undefined) return undefined;
  const { listen, refresh_hint: refreshHintMs, certificate = '', key = '', spiffe_id: id } = settings;
  return {
    listen: { host: listen.host, port: listen.port },
    refreshHintMs,
    server: id === undefined ? { kind: 'web', certificate, key } : { kind: 'spiffe', spiffeId: id },
  };
}
