import { eitherOf, isWord, listOf, mapOf } from './collections.ts';
import { headerName } from './http-names.ts';
import { audience } from './issuer-options.ts';
import { duration, file, oneOf, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';

const live = 'live';

export const loadBalancerOptions = section(
  'load_balancers',
  'Load balancers that end the TLS of callers and connect with an SVID of their own. The caller shows a JWT-SVID (SPIFFE), which the load balancer hands on in a header; once it is ' +
    'verified, its subject is who asks: for limits, policy, workload and audit, which names the load balancer too. The header of any other peer is refused. It is never passed on.',
  {
    peers: required(listOf(spiffeId, { atLeast: 1, unique: true }), {
      doc: 'Their SPIFFE IDs, as their certificates prove them. They can present any JWT-SVID that they have seen: name nobody else here.',
      reload: live,
    }),
    jwt_bundles: required(
      eitherOf(
        oneOf('workload_api'),
        isWord('workload_api'),
        mapOf(
          trustDomain,
          eitherOf(oneOf('federation'), isWord('federation'), file('jwt-bundle', 'a SPIFFE bundle or JWK set')),
        ),
      ),
      {
        doc:
          'The keys of the trust domains whose workloads may call: a map from trust domain to a file (a SPIFFE bundle, or a JWK set), which is watched, or the word `federation` for what its bundle endpoint serves; or `workload_api`, for those of the ' +
          'agent of `identity.workload_api`: of our own trust domain and its `federation`. Each domain vouches for its own workloads alone.',
        reload: live,
      },
    ),
    header: defaulted(headerName, 'x-jwt-svid', {
      doc: 'Header with the JWT-SVID, and nothing else in it.',
      reload: live,
    }),
    token: defaulted(oneOf('required', 'optional'), 'required', {
      doc: '`optional` serves a request of a load balancer without the header too, as one of its own; a bad JWT-SVID is refused all the same.',
      reload: live,
    }),
    audience: optional(listOf(audience, { atLeast: 1, unique: true, orOne: true }), {
      doc: '`aud` of a JWT-SVID must have one of these. Default: our own SPIFFE ID.',
      reload: live,
    }),
    max_lifetime: defaulted(duration('10s', '24h'), '1h', {
      doc: 'A JWT-SVID whose `exp` lies further ahead is refused.',
      reload: live,
    }),
  },
);
