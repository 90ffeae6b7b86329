import { trustDomainOf } from '../../certs/spiffe-id.ts';
import { tcpAddress } from './address.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Path } from './problem.ts';
import { duration, file, oneOf, spiffeId } from './scalars.ts';
import { defaulted, optional, required, section, type Values } from './section.ts';
import type { BundleEndpointConfig } from './workload-api-config.ts';

const restart = 'restart';

/** `prefix` is where the section stands. */
export function bundleEndpointOptions(prefix: string) {
  return section(
    `${prefix}bundle_endpoint`,
    'The SPIFFE bundle endpoint of the trust domain: other trust domains fetch its roots and the key of its JWT-SVIDs here, by GET of `/`, and no more is ' +
      'served. Whoever reaches it may read them; they are public. See docs/federation.md.',
    {
      listen: required(tcpAddress({ anyPort: true }), {
        doc: 'Where it listens, TLS 1.2 or 1.3, without client certificates. Port 0 lets the system choose.',
        reload: restart,
      }),
      profile: required(oneOf('https_web', 'https_spiffe'), {
        doc: 'How it proves itself: by `certificate` for its host name, or by an SVID of the local CA.',
        reload: restart,
      }),
      certificate: optional(file('certificates', 'a PEM file'), {
        doc: 'Of `https_web`: the certificate with its intermediates. It is watched; a pair that is no good leaves the one in use.',
        reload: restart,
      }),
      key: optional(file('secret', 'a PEM file that only this user can read'), {
        doc: 'Of `https_web`: its private key, not encrypted.',
        reload: restart,
      }),
      spiffe_id: optional(spiffeId, {
        doc: 'Of `https_spiffe`: who it is, inside `trust_domain`; what others configure as `endpoint_spiffe_id`.',
        reload: restart,
      }),
      refresh_hint: defaulted(duration('1s', '24h'), '5m', {
        doc: 'How often others are asked to fetch it (`spiffe_refresh_hint`).',
        reload: restart,
      }),
    },
  );
}

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
