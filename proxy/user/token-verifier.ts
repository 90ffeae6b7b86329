import { deepFreeze } from '../config/freeze.ts';
import type { IssuerConfig } from '../config/token-config.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Claims } from './claims.ts';
import type { IssuerKey } from './read-jwks.ts';
import { refuse } from './refuse.ts';
import { rememberedTokens } from './remembered.ts';
import { isSignedBy } from './signature.ts';
import { readToken, type Token } from './token.ts';

/** `keys` is undefined where they are fetched and none are there, or none that are believed any more. */
export type Issuer = { readonly config: IssuerConfig; readonly keys: readonly IssuerKey[] | undefined };

/** A token that its issuer has signed. Whether it is good here and now is another question, see `judge-claims.ts`. */
export type SignedToken = { readonly issuer: IssuerConfig; readonly claims: Claims };

/**
 * Checks signatures, and remembers whose token was good. A
 * verifier belongs to one snapshot, so that with a key that is removed everything is forgotten that it has signed.
 */
export type TokenVerifier = {
  readonly recall: (text: string) => SignedToken | undefined;
  /** `missed` is called with the name of an issuer whose keys may have changed: a token names one that is not among them. */
  readonly verify: (text: string, missed?: (issuer: string) => void) => Denial | Promise<SignedToken | Denial>;
};

export function openTokenVerifier(issuers: readonly Issuer[]): TokenVerifier {
  const byName = new Map(issuers.map((issuer) => [issuer.config.issuer, issuer]));
  const { recall, remember } = rememberedTokens<SignedToken>();
  return {
    recall,
    verify: (text, missed = () => {}) => {
      const token = readToken(text);
      if (isDenial(token)) return token;
      // Only chooses the keys: nothing else is believed before one of them has signed it.
      const issuer = byName.get(token.claims.issuer);
      if (issuer === undefined) return refuse('user-token-untrusted', '`iss` is none of the configured issuers');
      const key = findKey(issuer, token);
      if (key === 'unknown') {
        missed(issuer.config.name);
        return refuse('user-token-untrusted', 'the issuer has no such key for this algorithm');
      }
      if (isDenial(key)) return key;
      return isSignedBy(text, key.key, key.algorithm).then((signed) => {
        if (!signed) return refuse('user-token-untrusted', 'the signature is not by the key of the issuer');
        const judged = deepFreeze({ issuer: issuer.config, claims: token.claims });
        remember(text, judged);
        return judged;
      });
    },
  };
}

/** The key is that of the issuer for this algorithm (RFC 8725 section 3.1), never one that the token brings along. */
function findKey({ config, keys }: Issuer, { algorithm, kid, type }: Token): IssuerKey | Denial | 'unknown' {
  const accepted = config.tokenTypes.find((one) => one === type);
  if (accepted === undefined) return refuse('user-token-untrusted', '`typ` is none of the configured `token_types`');
  if (!config.algorithms.some((one) => one === algorithm)) {
    return refuse('user-token-untrusted', '`alg` is none of the configured `algorithms`');
  }
  if (keys === undefined) return deny('user-keys-unavailable', { detail: `no keys of ${config.name} are there` });
  const fitting = keys.filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid));
  const [key, second] = fitting;
  if (key === undefined) return 'unknown';
  // Trying one key after the other would make of each forged token several signatures to check.
  return second === undefined ? key : refuse('user-token-untrusted', 'without `kid` it may be by several keys');
}
