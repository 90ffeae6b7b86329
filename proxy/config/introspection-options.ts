import { urlOf } from './fetch-options.ts';
import { duration, file, integer, pattern } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';
import type { IntrospectionConfig } from './token-config.ts';
import type { Values } from './section.ts';

const live = 'live';

const cacheKeys = section(
  'issuers[].introspection.cache',
  'Which tokens were active a moment ago: in each data thread, by digest, and forgotten with every reload. That a token is not active is never remembered.',
  {
    max_age: defaulted(duration('0s', '5m'), '10s', {
      doc: 'So long a token that was active is not asked for again, and never beyond its `exp`: a revoked token is served for so long at most. With `0s` the server is asked for each request.',
      reload: live,
    }),
    entries: defaulted(integer(1, 100_000), 1000, {
      doc: 'Of so many tokens it is remembered; one more takes the place of the oldest.',
      reload: live,
    }),
  },
);

export const introspectionKeys = section(
  'issuers[].introspection',
  'Asks the issuer whether a token is still active (RFC 7662), once it was found good here: signature, times, audience, client and proof come first, and opaque tokens are ' +
    'not supported. By https, to the addresses that `fetch` allows, without redirects; what is no clear answer of 200 with at most 64 KiB of JSON refuses the request ' +
    '(`user-introspection-unavailable`). At most 100 calls are under way at once in each data thread, and one for each token.',
  {
    endpoint: required(urlOf('https'), { doc: 'The introspection endpoint.', reload: live }),
    client_id: required(pattern('1 to 255 characters of ASCII', /^[\x20-\x7e]{1,255}$/), {
      doc: 'Who asks: the `client_id` that the issuer has given to this service, shown by `client_secret_basic`.',
      reload: live,
    }),
    client_secret_file: required(file('secret', 'a file that only this user can read'), {
      doc: 'File whose first line is the secret of `client_id`. It is watched.',
      reload: live,
    }),
    ca: optional(file('certificates', 'a PEM file'), {
      doc: 'Roots to believe for this endpoint, instead of `fetch.ca`, or else those that Node brings along.',
      reload: live,
    }),
    timeout: defaulted(duration('100ms', '10s'), '2s', {
      doc: 'For name, connection and answer together.',
      reload: live,
    }),
    cache: defaulted(cacheKeys, {}, { doc: 'How long an answer counts.', reload: live }),
  },
);

export function introspectionOf(settings: Values<typeof introspectionKeys.fields>): IntrospectionConfig {
  return {
    endpoint: settings.endpoint,
    clientId: settings.client_id,
    clientSecretFile: settings.client_secret_file,
    caFile: settings.ca,
    timeoutMs: settings.timeout,
    maxAgeMs: settings.cache.max_age,
    maxEntries: settings.cache.entries,
  };
}
