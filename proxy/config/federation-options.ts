import { urlOf } from './fetch-options.ts';
import { duration, file, oneOf, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';

/** Of `run`, and of `portcullis workload-api`, which reads its file once. */
export const federationOptions = (reload: 'live' | 'restart') =>
  section(
    'federation[]',
    'A foreign trust domain whose workloads are believed, by the bundle that its SPIFFE bundle endpoint serves (SPIFFE Federation). Each domain is judged by its own ' +
      'roots alone. The document has at most 1 MiB, at least one root, only CA certificates, and is taken whole or not at all; one with a lower ' +
      '`spiffe_sequence` than the one there is is refused. New and removed roots take effect within a second, on open connections too. Addresses ' +
      'and redirects are under the rules of `fetch`. Nothing is kept over a restart: until the endpoint has answered, nobody of that domain is believed.',
    {
      trust_domain: required(trustDomain, { doc: 'Whose bundle it is; not our own, and once.', reload }),
      url: required(urlOf('https'), { doc: 'The bundle endpoint.', reload }),
      profile: required(oneOf('https_web', 'https_spiffe'), {
        doc:
          'How the endpoint proves itself: by a certificate for its host name (`https_web`), or by its SVID (`https_spiffe`), which is judged by ' +
          'the last good bundle, and by `bootstrap` before there is one.',
        reload,
      }),
      ca: optional(file('certificates', 'a PEM file'), {
        doc: 'Of `https_web`: roots to believe for this endpoint, instead of `fetch.ca`, or else those that Node brings along.',
        reload,
      }),
      endpoint_spiffe_id: optional(spiffeId, {
        doc: 'Of `https_spiffe`: who the endpoint is, inside `trust_domain`; an endpoint of another domain is not supported.',
        reload,
      }),
      bootstrap: optional(file('spiffe-bundle', 'a SPIFFE bundle'), {
        doc:
          'Of `https_spiffe`: the bundle of `trust_domain` as it came by a safe way, a JWK set. It authenticates the endpoint and nobody else. A change ' +
          'of it begins anew: what was fetched before counts no more.',
        reload,
      }),
      refresh: optional(duration('1s', '24h'), {
        doc:
          'After which time the bundle is fetched again. Default: what its `spiffe_refresh_hint` says, but from 30s to 1h, and 5m where it says nothing; ' +
          'never later than half of `max_age`. What fails is tried again after 1s, then ever less often, at least every 5m.',
        reload,
      }),
      max_age: defaulted(duration('2s', '168h'), '24h', {
        doc:
          'How long the last good bundle is believed while nothing good comes from the endpoint. Then nobody of that domain is, and their open ' +
          'connections end (`untrusted`); a lower sequence is taken again from then on. Longer than `refresh`.',
        reload,
      }),
    },
  );
