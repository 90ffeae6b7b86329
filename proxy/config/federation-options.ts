import { urlOf } from './fetch-options.ts';
import { duration, file, oneOf, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, exactlyOneOf, insteadOf, optional, required, requiredBeside, section } from './section.ts';

const ofEndpoint = 'is of an endpoint, which `bundle` takes the place of';

/** Of `run`, and of `portcullis workload-api`, which reads its file once. */
export const federationOptions = (reload: 'live' | 'restart') =>
  insteadOf(exactlyOneOf(requiredBeside(entry(reload), 'url', 'profile'), 'url', 'bundle'), 'bundle', {
    profile: ofEndpoint,
    ca: ofEndpoint,
    endpoint_spiffe_id: ofEndpoint,
    bootstrap: ofEndpoint,
    refresh: ofEndpoint,
    max_age: ofEndpoint,
  });

const entry = (reload: 'live' | 'restart') =>
  section(
    'federation[]',
    'A foreign trust domain whose workloads are believed, by the bundle that its SPIFFE bundle endpoint serves (SPIFFE Federation), or that stands in a file. Each domain ' +
      'is judged by its own roots alone. The document has at most 1 MiB, at least one root, only CA certificates, and is taken whole or not at all; one with a lower ' +
      '`spiffe_sequence` than the one that was fetched is refused. New and removed roots take effect within a second, on open connections too. Addresses ' +
      'and redirects are under the rules of `fetch`. Nothing that was fetched is kept over a restart: until the endpoint has answered, nobody of that domain is believed.',
    {
      trust_domain: required(trustDomain, { doc: 'Whose bundle it is; not our own, and once.', reload }),
      url: optional(urlOf('https'), { doc: 'The bundle endpoint; exactly one of `url` and `bundle`.', reload }),
      bundle: optional(file('spiffe-bundle', 'a SPIFFE bundle or a PEM file'), {
        doc:
          'The bundle in a file: a JWK set as an endpoint serves it, or roots in PEM, which have no keys of JWT-SVIDs. It is believed for as long as it ' +
          'stands there. A change takes effect as one of an endpoint; a file that is no good leaves the last good one in force.',
        // Watched by `workload-api` too, which reads its own file once.
        reload,
      }),
      profile: optional(oneOf('https_web', 'https_spiffe'), {
        doc:
          'With `url`, where it is required: how the endpoint proves itself: by a certificate for its host name (`https_web`), or by its SVID (`https_spiffe`), which is judged by ' +
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
