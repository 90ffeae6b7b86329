import { eitherOf, listOf, mapOf } from './collections.ts';
import { jsonMediaType, METHODS } from './http-names.ts';
import { issuerName } from './issuer-options.ts';
import { boolean, duration, file, integer, oneOf, pattern, routePath, size } from './scalars.ts';
import { defaulted, optional, required, requiredBeside, section } from './section.ts';

const live = 'live';

export const quotaOptions = section(
  'routes[].quota',
  'How often one peer identity may call the route: GCRA, exact across threads. More is answered with 429.',
  {
    requests: required(integer(1, 1_000_000), { doc: 'Requests allowed in each `per`.', reload: live }),
    per: required(duration('1s', '24h'), { doc: 'The time over which `requests` are spread.', reload: live }),
    burst: optional(integer(1, 1_000_000), {
      doc: 'How many may come at once after a rest; at most `requests`, which is also the default.',
      reload: live,
    }),
  },
);

export const userOptions = section(
  'routes[].user',
  'On whose behalf the peer asks: a token of an end user (`Authorization: Bearer`), verified here. Without this section nobody ' +
    'looks at the header, and it reaches policy and workload as it came.',
  {
    issuers: required(listOf(issuerName, { atLeast: 1, unique: true }), {
      doc: 'Whose users are served here: names of `issuers`. A good token of another one is refused with 403.',
      reload: live,
    }),
    token: defaulted(oneOf('required', 'optional'), 'required', {
      doc: '`optional` serves a request without a token too, as one of nobody; a bad token is refused all the same.',
      reload: live,
    }),
    single_use: defaulted(boolean, false, {
      doc: 'Whether a token is good for one request only: `jti` is required, and remembered over all data threads until no configuration could take the token any more: 2m after its `exp`, at most 24h and 2m after its `iat`. A restart forgets, and other replicas do not know.',
      reload: live,
    }),
    forward_token: defaulted(boolean, false, {
      doc: 'Whether policy and workload see the Authorization header; else it is removed.',
      reload: live,
    }),
  },
);

const schemaByType = mapOf(jsonMediaType, file('body-schema', 'a JSON Schema file'));

export const routeName = pattern('letters, digits, `.`, `_` and `-`, at most 64', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

const route = section(
  'routes[]',
  'What reaches the workload at all: a request that matches no route is refused before the policy is asked. ' +
    'A literal segment wins over a parameter, and a parameter over `{rest...}`.',
  {
    name: required(routeName, {
      doc: 'Names the route in the policy input, the metrics and the audit; unique.',
      reload: live,
    }),
    methods: required(listOf(oneOf(...METHODS), { atLeast: 1, unique: true }), {
      doc: 'The methods it takes. HEAD is not implied by GET.',
      reload: live,
    }),
    path: required(routePath, {
      doc: '`{name}` matches one segment, `{name...}` at the end one or more. Compared byte for byte, case counts; a path that only percent-encodes a literal otherwise (`/jobs%3Arun` for `/jobs:run`) is refused, whatever other route it fits.',
      reload: live,
    }),
    body: defaulted(
      eitherOf(oneOf('none', 'stream'), (node) => node.kind === 'scalar', schemaByType),
      'none',
      {
        doc:
          '`none` refuses any body. `stream` passes it on unseen, up to `max_body`. A map from content type to JSON Schema file ' +
          'validates it, and refuses other types with 415.',
        reload: live,
      },
    ),
    max_body: optional(size('1B', '1GiB'), {
      doc: 'The largest request body, where `body` takes one. One that is validated is held in memory up to this size, and judging it holds the data thread for about 15 ms a MiB, up to 250 ms where it is made to, which the others on that thread wait for. Default 1MiB.',
      reload: live,
    }),
    query_schema: optional(file('parameter-schema', 'a JSON Schema file'), {
      doc: 'JSON Schema for the query parameters, as an object; without it the query is not restricted.',
      reload: live,
    }),
    path_schema: optional(file('parameter-schema', 'a JSON Schema file'), {
      doc: 'JSON Schema for the parameters of the path, as an object; its `properties` and `required` name no others.',
      reload: live,
    }),
    response: optional(schemaByType, {
      doc: 'JSON Schema files by content type for 2xx response bodies; what does not match is answered with 502 instead.',
      reload: live,
    }),
    max_response: optional(size('1B', '64MiB'), {
      doc: 'With `response`, and only beside it: the largest body that is validated, which is held in memory; judging it holds the data thread for about 15 ms a MiB. Default 1MiB, or `workload.max_response` when that is less.',
      reload: live,
    }),
    timeout: defaulted(duration('10ms', '1h'), '30s', {
      doc: 'From the end of the request head to the end of the response.',
      reload: live,
    }),
    user: optional(userOptions, {
      doc: 'Asks for a token of an end user, besides the certificate of the peer.',
      reload: live,
    }),
    quota: optional(quotaOptions, {
      doc: 'Rate limit for each peer identity; without it the route has none. A reload may not raise the number of routes that have one: memory for them is reserved at start.',
      reload: live,
    }),
  },
);

/** Beside no `response` there is nothing that its limit could be the limit of. */
export const routeOptions = requiredBeside(route, 'max_response', 'response');
