import { tcpAddress } from './address.ts';
import { duration, file, oneOf, spiffeId } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';

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
