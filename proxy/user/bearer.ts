import type { Denial } from '../denial.ts';
import { fieldValues, type HeaderList } from '../header-list.ts';
import { malformed, refuse, unsupported } from './refuse.ts';

/** What hardly any issuer exceeds, and half of what a head may have. */
const maxTokenLength = 8192;

/**
 * The token of `Authorization: Bearer` (RFC 6750 section 2.1), or undefined where there is none. Any other place for one
 * is refused: a token in the query ends up in logs (section 5.3), and with two of them the workload could read the other.
 */
export function readBearer(
  headers: HeaderList,
  query: readonly (readonly [name: string, value: string])[],
): string | undefined | Denial {
  if (query.some(([name]) => name.toLowerCase() === 'access_token')) {
    return refuse('user-token-misplaced', 'access_token in the query');
  }
  const [value, second] = fieldValues(headers, 'authorization');
  if (second !== undefined) {
    return refuse('user-token-misplaced', 'two Authorization headers');
  }
  if (value === undefined) return undefined;
  const [, scheme = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: |$)/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'bearer') {
    return unsupported(scheme.toLowerCase() === 'dpop' ? 'a DPoP token (RFC 9449)' : 'a scheme other than Bearer');
  }
  const token = value.slice('bearer '.length);
  if (token.length > maxTokenLength) return malformed(`more than ${maxTokenLength} characters`);
  // Parts in base64url; a comma would begin what another reader takes for a second credential.
  return /^[A-Za-z0-9_.-]+$/.test(token) ? token : malformed('empty, or characters that no token has');
}
