import type { TrustDomain } from '../../certs/spiffe-id.ts';
import type { LoadBalancersConfig } from '../config/token-config.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { SignatureAlgorithm } from '../user/algorithms.ts';
import type { IssuerKey } from '../user/read-jwks.ts';
import { rememberedTokens } from '../user/remembered.ts';
import { isSignedBy } from '../user/signature.ts';
import { type JwtSvid, readJwtSvid } from './jwt-svid.ts';

/** Checks the signatures of JWT-SVIDs. Whether one is good here and now is asked anew for each request. */
export type CallerTokens = {
  readonly rules: LoadBalancersConfig;
  readonly recall: (text: string) => JwtSvid | undefined;
  readonly verify: (text: string) => Denial | Promise<JwtSvid | Denial>;
};

/** The keys of each configured trust domain; undefined where none have come yet. */
export type JwtKeys = ReadonlyMap<TrustDomain, readonly IssuerKey[] | undefined>;

/** It belongs to one snapshot, so that with a key that is removed everything is forgotten that it has signed. */
export function openCallerTokens(
  rules: LoadBalancersConfig,
  keys: JwtKeys,
  algorithms: readonly SignatureAlgorithm[],
): CallerTokens {
  const { recall, remember } = rememberedTokens<JwtSvid>();
  return {
    rules,
    recall,
    verify: (text) => {
      const svid = readJwtSvid(text);
      if (isDenial(svid)) return svid;
      const key = findKey(svid, keys, algorithms);
      if (isDenial(key)) return key;
      return isSignedBy(text, key.key, key.algorithm).then((signed) => {
        if (!signed) return untrusted('the signature is not by the key of the trust domain');
        remember(text, svid);
        return svid;
      });
    },
  };
}

/** Each trust domain vouches for its own workloads alone: the domain of `sub` chooses the keys. */
function findKey(
  { algorithm, kid, caller }: JwtSvid,
  keys: JwtKeys,
  algorithms: readonly SignatureAlgorithm[],
): IssuerKey | Denial {
  if (!keys.has(caller.trustDomain)) return untrusted('`sub` is of none of the configured trust domains');
  if (!algorithms.some((one) => one === algorithm)) return untrusted('`alg` is none of those of JWT-SVIDs');
  const known = keys.get(caller.trustDomain);
  if (known === undefined) {
    return deny('caller-keys-unavailable', { detail: `no JWT bundle of ${caller.trustDomain} has come yet` });
  }
  const fitting = known.filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid));
  const [key, second] = fitting;
  if (key === undefined) return untrusted('the trust domain has no such key for this algorithm');
  return second === undefined ? key : untrusted('without `kid` it may be by several keys');
}

function untrusted(detail: string): Denial {
  return deny('caller-token-untrusted', { detail });
}
