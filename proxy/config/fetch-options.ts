import { isIP } from 'node:net';
import { readNetwork } from '../fetch/addresses.ts';
import { listOf } from './collections.ts';
import { duration, file } from './scalars.ts';
import { defaulted, exactlyOneOf, insteadOf, optional, required, section } from './section.ts';
import { type Parsed, type Shape, text } from './shape.ts';

const live = 'live';

const network: Shape<string> = text(
  'a network such as `10.1.0.0/16`, or an address',
  { pattern: '^[0-9a-fA-F.:]+(/[0-9]{1,3})?$' },
  (value): Parsed<string> => (readNetwork(value) === undefined ? { wrong: `\`${value}\` is no network` } : { value }),
);

/** No user, because it would stand in logs; no fragment, because nobody would send it. */
export function urlOf(...schemes: readonly ('https' | 'http')[]): Shape<string> {
  const named = schemes.join(' or ');
  return text(`an ${named} URL`, { pattern: `^(${schemes.join('|')})://[^#]+$` }, (value): Parsed<string> => {
    const url = URL.parse(value);
    if (url === null || value.length > 1000 || /[^\x21-\x7e]/.test(value)) return { wrong: `\`${value}\` is no URL` };
    if (!schemes.some((scheme) => url.protocol === `${scheme}:`)) return { wrong: `\`${value}\` is not ${named}` };
    if (value.includes('#') || url.username !== '' || url.password !== '') {
      return { wrong: 'a fragment, user or password has no place here' };
    }
    if (url.protocol === 'https:' && isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) {
      return { wrong: 'https needs a name here, not an address' };
    }
    return { value };
  });
}

export const fetchOptions = (reload: 'live' | 'restart') =>
  section(
    'fetch',
    'How `crls[].url`, `issuers[].jwks_uri` and `federation[].url` are fetched, and `issuers[].introspection` is asked: by name or address as it stands there, without following redirects, without proxies, ' +
      'within 5s (introspection: its `timeout`); https by name only. A name that leads to an address that is not public (loopback, private, link-local and other special ones) is refused, whatever a name ' +
      'server says, unless `allow` has it.',
    {
      allow: defaulted(listOf(network, { unique: true }), [], {
        doc: 'Networks that may be asked although they are not public: those of internal servers of lists, keys and bundles.',
        reload,
      }),
      ca: optional(file('certificates', 'a PEM file'), {
        doc: 'Roots to believe for https, instead of those that Node brings along. What NODE_EXTRA_CA_CERTS adds to these is not believed.',
        reload,
      }),
    },
  );

const crlKeys = section(
  'crls[]',
  'Certificate revocation lists (RFC 5280), in PEM or DER: complete ones, with nextUpdate, and of at most 16 MiB. What is revoked is refused at the handshake, and ends ' +
    'open connections within a second after the list has come. A peer below an issuer whose list is out of date, or has not come yet, is refused ' +
    '(`revocation-unknown`), and open connections end: nobody knows who is revoked. Of CAs that are not named here nobody asks for a list; the lists of the local CA ' +
    'are always read. URLs in certificates are never followed, and OCSP is not supported.',
  {
    issuer: required(file('certificates', 'a PEM file'), {
      doc: 'The certificates of the CAs whose lists these are. Each must have signed one of them, and nobody else any.',
      reload: live,
    }),
    file: optional(file('crl', 'a file of lists'), {
      doc: 'Lists that another program keeps in a file; it is watched. A file that cannot be used leaves the last good lists in force.',
      reload: live,
    }),
    url: optional(urlOf('https', 'http'), {
      doc:
        'Lists that are fetched, at start and again after `refresh`; see `fetch`. What fails is tried again after 1s, then ever less often, at least every 5m; ' +
        'the lists there are stay in force until their nextUpdate. A list older than the one there is is refused. Nothing is kept over a restart.',
      reload: live,
    }),
    refresh: optional(duration('1s', '24h'), {
      doc: 'After which time a list is fetched again, or after four fifths of the time to its nextUpdate, whichever comes first. Default 1h.',
      reload: live,
    }),
  },
);

export const crlOptions = insteadOf(exactlyOneOf(crlKeys, 'file', 'url'), 'file', {
  refresh: 'is of `url`; a file is watched',
});
