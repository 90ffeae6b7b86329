import type { Denial } from '../denial.ts';
import { fieldValues, type HeaderList } from '../header-list.ts';
import { malformed, refuse, unsupported } from './refuse.ts';

/** How a token is shown: whoever has it may, or only who proves to hold its key as well (RFC 9449). */
export type Scheme = 'bearer' | 'dpop';

export type Credential = { readonly scheme: Scheme; readonly token: string };

/** What hardly any issuer exceeds, and half of what a head may have. */
const maxTokenLength = 8192;

/**
 * The token of `Authorization: Bearer` (RFC 6750 section 2.1) or `DPoP` (RFC 9449 section 7.1), or undefined where there is none.
 * Any other place for one is refused: a token in the query ends up in logs (section 5.3), and with two of them the workload could
 * read the other.
 */
export function readCredential(
  headers: HeaderList,
  query: readonly (readonly [name: string, value: string])[],
): Credential | undefined | Denial {
  if (query.some(([name]) => name.toLowerCase() === 'access_token')) {
    return refuse('user-token-misplaced', 'access_token in the query');
  }
  const [value, second] = fieldValues(headers, 'authorization');
  if (second !== undefined) {
    return refuse('user-token-misplaced', 'two Authorization headers');
  }
  if (value === undefined) return undefined;
  const [, named = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: |$)/.exec(value) ?? [];
  const scheme = named.toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'dpop') return unsupported('a scheme other than Bearer and DPoP');
  const token = value.slice(scheme.length + 1);
  if (token.length > maxTokenLength) return malformed(`more than ${maxTokenLength} characters`);
  // Parts in base64url; a comma would begin what another reader takes for a second credential.
  return /^[A-Za-z0-9_.-]+$/.test(token) ? { scheme, token } : malformed('empty, or characters that no token has');
}
