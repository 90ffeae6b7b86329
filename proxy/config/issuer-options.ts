import { SIGNATURE_ALGORITHMS } from '../user/algorithms.ts';
import { listOf } from './collections.ts';
import { duration, file, oneOf, pattern } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';
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

const audience = text(
  '1 to 255 characters',
  { minLength: 1, maxLength: 255 },
  (value): Parsed<string> => (value.length > 0 && value.length <= 255 ? { value } : { wrong: 'is empty or too long' }),
);

export const issuerOptions = section(
  'issuers[]',
  'Whose tokens of end users are believed: signed JWTs (RFC 7519, RFC 9068) with `iss`, `sub`, `aud`, `exp` and `iat`. Nothing is ' +
    'fetched: the keys are a file, which is read again when it changes. Login pages, discovery and introspection are not the work of this proxy.',
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
    jwks: required(file('jwks', 'a JWK set'), {
      doc: 'Its public keys (RFC 7517). Shared secrets, private keys and RSA keys under 2048 bits are refused; keys for other than signatures are left out.',
      reload: live,
    }),
    algorithms: required(listOf(oneOf(...SIGNATURE_ALGORITHMS), { atLeast: 1, unique: true }), {
      doc: 'The signatures that it makes. Nothing else is believed of it, and `none` and shared secrets of nobody.',
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
    max_token_age: defaulted(duration('1s', '24h'), '1h', {
      doc: 'A token that was issued longer ago is refused, whatever its `exp` says.',
      reload: live,
    }),
    clock_tolerance: defaulted(duration('0s', '2m'), '10s', {
      doc: 'How far its clock may be off: `exp`, `nbf` and `iat` are judged with so much grace.',
      reload: live,
    }),
  },
);
