import { hash } from 'node:crypto';
import { type Denial, deny, isDenial } from '../denial.ts';
import { fieldValues, type HeaderList } from '../header-list.ts';
import type { Credential } from './credential.ts';
import { type Proof, verifyProof } from './proof.ts';
import { refuse, unsupported } from './refuse.ts';
import type { SignedToken } from './token-verifier.ts';
import type { TokenUses } from './token-uses.ts';

/** The request that a token is shown with. */
export type ShownWith = {
  readonly headers: HeaderList;
  readonly receivedMs: number;
  readonly request: { readonly method: string; readonly authority: string; readonly path: string };
};

/** Whether the client has proved that it holds the key of its token, where it has to (RFC 9449 section 7). */
export function judgePossession(
  { issuer, claims: { keyThumbprint } }: SignedToken,
  { scheme, token }: Credential,
  shown: ShownWith,
  uses: TokenUses,
): undefined | Denial | Promise<undefined | Denial> {
  const { dpop, clockToleranceMs } = issuer;
  if (dpop === undefined) {
    if (keyThumbprint !== undefined) return unsupported('a token bound to a DPoP key, and its issuer has no `dpop`');
    return scheme === 'bearer' ? undefined : unsupported('a DPoP token, and its issuer has no `dpop`');
  }
  if (scheme === 'bearer') {
    // Section 7.2: who has stolen a bound token would show it as one that is not.
    if (keyThumbprint !== undefined)
      return refuse('user-proof-missing', 'a token bound to a DPoP key, shown as Bearer');
    return dpop.required ? refuse('user-proof-missing', 'a token that is bound to no key') : undefined;
  }
  if (keyThumbprint === undefined) return refuse('user-token-not-bound', 'shown as DPoP, and `cnf` names no key');
  const [proof] = fieldValues(shown.headers, 'dpop');
  if (proof === undefined) return refuse('user-proof-missing', 'no DPoP header');
  const { method, authority, path } = shown.request;
  const uri = `https://${authority}${path}`;
  const tokenSha256 = hash('sha256', token, 'base64url');
  const proven = { method, uri, tokenSha256, keyThumbprint, nowMs: shown.receivedMs, clockToleranceMs };
  return verifyProof(proof, dpop, proven).then((good) => (isDenial(good) ? good : useProof(keyThumbprint, good, uses)));
}

/** Section 11.1: a proof is good once. The name of its key cannot be the `iss` of a token. */
function useProof(keyThumbprint: string, { proofId, life }: Proof, uses: TokenUses): Denial | undefined {
  switch (uses.take(keyThumbprint, proofId, life)) {
    case 'first':
      return undefined;
    case 'used':
      return refuse('user-proof-used', 'its `jti` has been here already');
    case 'ended':
      return refuse('user-proof-untimely', 'it became older than `dpop.max_age` while it was judged');
    case 'full':
      return deny('overloaded', { detail: 'no room to remember one more proof', headers: ['retry-after', '1'] });
  }
}
