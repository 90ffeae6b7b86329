import type { Filter } from '../chain.ts';
import type { RouteUser } from '../config/config.ts';
import type { Departure } from '../departure.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { challenged } from '../user/challenge.ts';
import type { Claims } from '../user/claims.ts';
import { type Credential, readCredential } from '../user/credential.ts';
import type { CountIntrospection } from '../user/introspection.ts';
import { judgeClaims, lifeOf } from '../user/judge-claims.ts';
import type { Life } from '../user/life.ts';
import { judgePossession } from '../user/possession.ts';
import { refuse } from '../user/refuse.ts';
import type { SignedToken } from '../user/token-verifier.ts';
import type { TokenUses } from '../user/token-uses.ts';
import type { Identified } from './identity.ts';
import type { Normalised } from './normalise.ts';

/** The end user on whose behalf the peer asks; undefined where the route asks for none, or allows that none is there. */
export type Authenticated = { readonly user: User | undefined };

export type User = {
  /** The issuer, as the configuration names it. */
  readonly issuer: string;
  readonly realm: 'internal' | 'federated' | 'external';
  readonly claims: Claims;
};

export type TokenOutcome = 'verified' | 'remembered' | 'refused' | 'missing';

/** `unknownKeyOf` names an issuer whose keys should be looked at again. */
export type CountToken = (outcome: TokenOutcome, unknownKeyOf?: string) => void;

/**
 * Who the user is, besides the service that asks (SP 800-204B section 4). It stands behind the limits, because a
 * signature is the dearest thing that a stranger's bytes can ask for, and before the body, which nobody reads for nobody.
 */
export function user(
  uses: TokenUses,
  count: CountToken,
  countIntrospection: CountIntrospection,
): Filter<Accepted & Identified & Normalised, Authenticated> {
  return {
    name: 'user',
    add: (facts, { user }) => void (facts.user = user),
    apply: (facts) => {
      const rule = facts.route.config.user;
      if (rule === undefined) return { user: undefined };
      const credential = readCredential(facts.headers, facts.request.query);
      if (credential === undefined) {
        count('missing');
        if (rule.optional) return { user: undefined };
        return challenging(facts, rule, undefined, refuse('user-token-missing', 'no Authorization header'));
      }
      let unknownKeyOf: string | undefined;
      const answer = (judged: Authenticated | Denial, outcome: TokenOutcome) => {
        const bad = isDenial(judged) && judged.code !== facts.departure.cause?.code;
        count(bad ? 'refused' : outcome, unknownKeyOf);
        return isDenial(judged) ? challenging(facts, rule, credential, judged) : judged;
      };
      if (isDenial(credential)) return answer(credential, 'refused');
      const judge = (signed: SignedToken | Denial, outcome: TokenOutcome) => {
        if (isDenial(signed)) return answer(signed, 'refused');
        const judged = judgeUser(signed, credential, rule, facts, { uses, countIntrospection });
        if (judged instanceof Promise) return judged.then((one) => answer(named(one, signed), outcome));
        return answer(named(judged, signed), outcome);
      };
      const { tokens } = facts.snapshot;
      const known = tokens.recall(credential.token);
      if (known !== undefined) return judge(known, 'remembered');
      const verified = tokens.verify(credential.token, (issuer) => (unknownKeyOf = issuer));
      return verified instanceof Promise ? verified.then((one) => judge(one, 'verified')) : judge(verified, 'refused');
    },
  };
}

function challenging(
  { snapshot }: Accepted,
  rule: RouteUser,
  credential: Credential | Denial | undefined,
  denial: Denial,
): Denial {
  const issuers = snapshot.config.issuers.filter(({ name }) => rule.issuers.includes(name));
  return challenged(
    denial,
    issuers,
    credential !== undefined && 'scheme' in credential ? credential.scheme : undefined,
  );
}

/** Who shows a token that is too old, or meant for others, is worth a name in the record: the signature says whose it was. */
function named(judged: Authenticated | Denial, { issuer: { realm }, claims }: SignedToken): Authenticated | Denial {
  if (!isDenial(judged)) return judged;
  const { issuer, subject, tokenId, keyThumbprint } = claims;
  return deny(judged.code, { ...judged, user: { realm, claims: { issuer, subject, tokenId, keyThumbprint } } });
}

type Shown = Accepted & Identified & Normalised;
type Tally = { readonly uses: TokenUses; readonly countIntrospection: CountIntrospection };

type Verdict<T> = T | Denial | Promise<T | Denial>;

function judgeUser(
  signed: SignedToken,
  credential: Credential,
  rule: RouteUser,
  facts: Shown,
  { uses, countIntrospection }: Tally,
): Verdict<Authenticated> {
  const { issuer, claims } = signed;
  const wrong = judgeClaims(claims, issuer, facts.peer, facts.receivedMs);
  if (wrong !== undefined) return wrong;
  if (!rule.issuers.includes(issuer.name)) return deny('user-not-of-this-route', { rule: issuer.name });
  const admit = (unproved: Denial | undefined) => {
    if (unproved !== undefined) return unproved;
    const used = rule.singleUse ? useOnce(claims, lifeOf(claims, issuer), uses) : undefined;
    return used ?? { user: { issuer: issuer.name, realm: issuer.realm, claims } };
  };
  const introspect = facts.snapshot.introspection.get(issuer.name);
  // Last, so that only what is good by itself costs a call; before `single_use`, so that an issuer that is down uses nothing up.
  const ask = (unproved: Denial | undefined): Verdict<Authenticated> => {
    if (unproved !== undefined || introspect === undefined) return admit(unproved);
    const inactive = introspect({ token: credential.token, claims, nowMs: facts.receivedMs }, countIntrospection);
    return inactive instanceof Promise ? unlessLeft(inactive, facts.departure).then(admit) : admit(inactive);
  };
  const possession = judgePossession(signed, credential, facts, uses);
  return possession instanceof Promise ? possession.then(ask) : ask(possession);
}

/** Who is broken off is not waited for: a server that hangs must not keep his record until the thread is ended without it. */
function unlessLeft<T>(answered: Promise<T>, departure: Departure): Promise<T | Denial> {
  if (departure.cause !== undefined) return Promise.resolve(departure.cause);
  return new Promise((resolve) => {
    departure.listen(resolve);
    void answered.then(resolve);
  });
}

function useOnce({ issuer, tokenId }: Claims, life: Life, uses: TokenUses): Denial | undefined {
  if (tokenId === undefined) return refuse('user-token-malformed', 'without `jti` nobody can tell whether it was used');
  switch (uses.take(issuer, tokenId, life)) {
    case 'first':
      return undefined;
    case 'used':
      return refuse('user-token-used', 'its `jti` has been here already');
    case 'ended':
      return refuse('user-token-expired', 'it ended while it was judged');
    case 'full':
      return deny('overloaded', { detail: 'no room to remember one more token', headers: ['retry-after', '1'] });
  }
}
