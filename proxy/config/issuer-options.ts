import { SIGNATURE_ALGORITHMS } from '../user/algorithms.ts';
import { longest } from '../user/life.ts';
import { durationText } from './amounts.ts';
import { eitherOf, isWord, listOf } from './collections.ts';
import { urlOf } from './fetch-options.ts';
import { introspectionKeys } from './introspection-options.ts';
import { duration, file, oneOf, pattern } from './scalars.ts';
import { defaulted, exactlyOneOf, insteadOf, optional, orJust, required, section } from './section.ts';
import { text } from './shape.ts';
import type { Parsed, Shape } from './shape.ts';

const live = 'live';

export const issuerName = pattern('letters, digits, `.`, `_` and `-`, at most 64', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

/** RFC 8414 section 2: https, no query, no fragment. It is compared as text, so it is left as it is written. */
const issuerUrl: Shape<string> = text('an https URL', { pattern: '^https://[^?#]+$' }, (value): Parsed<string> => {
  const url = URL.parse(value);
  if (url === null || value.length > 255 || /[^\x21-\x7e]/.test(value)) return { wrong: `\`${value}\` is no URL` };
  if (url.protocol !== 'https:') return { wrong: `\`${value}\` does not begin with https://` };
  if (/[?#]/.test(value) || url.username !== '') return { wrong: 'an issuer has no query, fragment or user' };
  return { value };
});

export const audience = text(
  '1 to 255 characters',
  { minLength: 1, maxLength: 255 },
  (value): Parsed<string> => (value.length > 0 && value.length <= 255 ? { value } : { wrong: 'is empty or too long' }),
);

export const defaultRefreshMs = 300_000;
export const defaultMaxKeyAgeMs = 3_600_000;

const algorithms = listOf(oneOf(...SIGNATURE_ALGORITHMS), { atLeast: 1, unique: true });

const dpopKeys = section(
  'issuers[].dpop',
  'Proof of possession (RFC 9449): a token whose `cnf` has `jkt` is served only as `Authorization: DPoP`, with one `DPoP` header that its key has ' +
    'signed for this method, host, path and token, and each proof is served once. `dpop: required` alone is short for the section with that `proof`. ' +
    'Nonces of the server are not supported: `max_age` and the memory of used proofs stand in their place.',
  {
    proof: required(oneOf('required', 'optional'), {
      doc: '`required` refuses every token that is not bound to a key; `optional` takes those as `Bearer` too. One that is bound is never taken as `Bearer`.',
      reload: live,
    }),
    algorithms: optional(algorithms, {
      doc: 'The signatures that proofs may have, told to clients in `WWW-Authenticate`. `profile: fips` refuses what it refuses of tokens. Default `[ES256]`.',
      reload: live,
    }),
    max_age: defaulted(duration('1s', durationText(longest.proofAgeMs)), '1m', {
      doc:
        'How old a proof may be, by its `iat`; it may be ahead of us by `clock_tolerance`. Its `jti` is remembered for 5m after its `iat` whatever stands here, so ' +
        'that a reload makes no used proof good again, over all data threads and in the room of `limits.max_single_use_tokens`. A restart forgets, and other ' +
        'replicas do not know.',
      reload: live,
    }),
  },
);

const issuerKeys = section(
  'issuers[]',
  'Whose tokens of end users are believed: signed JWTs (RFC 7519, RFC 9068) with `iss`, `sub`, `aud`, `exp` and `iat`. Its keys ' +
    'come from a file, or from its server. Login pages are not the work of this proxy.',
  {
    name: required(issuerName, {
      doc: 'What `routes[].user`, the policy input and the audit call it; unique.',
      reload: live,
    }),
    issuer: required(issuerUrl, { doc: 'Its `iss`, compared character for character; unique.', reload: live }),
    realm: required(oneOf('internal', 'federated', 'external'), {
      doc: 'Whose people they are: of this organisation, of a partner, or of nobody known (SP 800-53 IA-8). For the policy to judge.',
      reload: live,
    }),
    jwks: optional(file('jwks', 'a JWK set'), {
      doc: 'Its public keys (RFC 7517), in a file that is watched. Shared secrets, private keys and RSA keys under 2048 bits are refused; keys for other than signatures are left out.',
      reload: live,
    }),
    jwks_uri: optional(eitherOf(oneOf('discovery'), isWord('discovery'), urlOf('https')), {
      doc:
        'Where its public keys are fetched from, at most 256 KiB, under the rules of `jwks` and of `fetch`; `discovery` takes the place from ' +
        'its OpenID configuration. A set with a key that must not be there is refused as a whole, and the last good one stays.',
      reload: live,
    }),
    refresh: optional(duration('1s', '24h'), {
      doc:
        'After which time the keys are fetched again. A token with an unknown `kid` is refused and has them fetched sooner, at most every five ' +
        'seconds for all requests together. Default 5m.',
      reload: live,
    }),
    max_key_age: optional(duration('2s', '168h'), {
      doc:
        'How long fetched keys are believed while nothing good comes from the server; then its tokens are refused ' +
        '(`user-keys-unavailable`). Longer than `refresh`. Default 1h.',
      reload: live,
    }),
    algorithms: required(algorithms, {
      doc: 'The signatures that it makes. Nothing else is believed of it, and `none` and shared secrets of nobody. `profile: fips` refuses ES512, EdDSA and Ed25519.',
      reload: live,
    }),
    audience: required(listOf(audience, { atLeast: 1, unique: true, orOne: true }), {
      doc: 'What it calls this service: `aud` of a token must have one of them.',
      reload: live,
    }),
    token_types: optional(listOf(oneOf('at+jwt', 'JWT'), { atLeast: 1, unique: true }), {
      doc:
        'What `typ` of a token may be. `at+jwt` is an access token for certain; with `JWT`, which includes tokens without `typ`, only ' +
        '`audience` keeps ID tokens out. Default `[at+jwt]`.',
      reload: live,
    }),
    max_token_age: defaulted(duration('1s', durationText(longest.tokenAgeMs)), '1h', {
      doc: 'A token that was issued longer ago is refused, whatever its `exp` says.',
      reload: live,
    }),
    clock_tolerance: defaulted(duration('0s', durationText(longest.clockToleranceMs)), '10s', {
      doc: 'How far its clock may be off: `exp`, `nbf` and `iat` are judged with so much grace.',
      reload: live,
    }),
    dpop: optional(orJust(dpopKeys, 'proof'), {
      doc: 'How clients prove that a token is theirs (DPoP). Without it, tokens that are bound to a key are refused.',
      reload: live,
    }),
    introspection: optional(introspectionKeys, {
      doc: 'Asks it whether a token was revoked. Without it, a token is good until it ends.',
      reload: live,
    }),
  },
);

const ofUri = 'is of `jwks_uri`; a file is watched';

export const issuerOptions = insteadOf(exactlyOneOf(issuerKeys, 'jwks', 'jwks_uri'), 'jwks', {
  refresh: ofUri,
  max_key_age: ofUri,
});
