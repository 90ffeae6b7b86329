import { listedBy } from '../../certs/denylist.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { fieldValues } from '../header-list.ts';
import type { Caller } from './caller.ts';
import type { CallerTokens } from './caller-tokens.ts';
import type { JwtSvid } from './jwt-svid.ts';

/** What became of the header, where there are load balancers; `unexpected` is that of anybody else. */
export const callerOutcomes = ['verified', 'remembered', 'refused', 'missing', 'unexpected'] as const;
export type CallerOutcome = (typeof callerOutcomes)[number];

type Asked = Pick<Accepted, 'connection' | 'headers' | 'receivedMs' | 'snapshot'>;

/** A clock of another machine may be off by so much; nothing is added to the end of a token. */
const aheadMs = 10_000;

/**
 * Who asks, where load balancers stand in front. Only they may say that it is somebody else than the peer, and only with a
 * JWT-SVID: the header of anybody else is refused, not removed, since nobody sends it by mistake.
 */
export function findCaller(
  facts: Asked,
  tokens: CallerTokens,
  count: (outcome: CallerOutcome) => void,
): Caller | Denial | Promise<Caller | Denial> {
  const { peer } = facts.connection;
  const { header, peers, optional } = tokens.rules;
  const [token, second] = fieldValues(facts.headers, header);
  if (!peers.includes(peer.spiffeId)) {
    if (token === undefined) return peer;
    count('unexpected');
    return deny('caller-token-unexpected', { detail: `${header} of a peer that is no load balancer` });
  }
  if (token === undefined) {
    count('missing');
    return optional ? peer : deny('caller-token-missing', { detail: `no ${header}` });
  }
  const judge = (svid: JwtSvid | Denial, outcome: CallerOutcome) => {
    const judged = isDenial(svid) ? svid : judgeCaller(svid, facts, tokens);
    count(isDenial(judged) ? 'refused' : outcome);
    return judged;
  };
  if (second !== undefined) {
    return judge(deny('caller-token-malformed', { detail: `two headers ${header}` }), 'refused');
  }
  const known = tokens.recall(token);
  if (known !== undefined) return judge(known, 'remembered');
  const verified = tokens.verify(token);
  return verified instanceof Promise ? verified.then((one) => judge(one, 'verified')) : judge(verified, 'refused');
}

/** A caller that was verified, and is refused all the same, is named in the record. */
function judgeCaller(svid: JwtSvid, facts: Asked, { rules }: CallerTokens): Caller | Denial {
  const { connection, snapshot, receivedMs } = facts;
  const caller = { ...svid.caller, via: connection.peer };
  const wrong = problemOf(svid, rules, receivedMs);
  if (wrong !== undefined) return deny(wrong[0], { detail: wrong[1], caller });
  const listed = listedBy(snapshot.trust.denylist, caller.spiffeId, []);
  return listed === undefined ? caller : deny('caller-denylisted', { detail: listed.detail, caller });
}

function problemOf(
  { audience, notBeforeMs = 0, issuedMs = 0, caller }: JwtSvid,
  rules: CallerTokens['rules'],
  nowMs: number,
) {
  if (nowMs >= caller.notAfterMs) return ['caller-token-untimely', '`exp` has passed'] as const;
  // JWT-SVID section 5: who has stolen one can use it until it ends, so it must not last.
  if (caller.notAfterMs - nowMs > rules.maxLifetimeMs) {
    return ['caller-token-untimely', '`exp` lies further ahead than `max_lifetime`'] as const;
  }
  if (nowMs < Math.max(notBeforeMs, issuedMs) - aheadMs) {
    return ['caller-token-untimely', '`nbf` or `iat` has not come'] as const;
  }
  if (!audience.some((one) => rules.audience.includes(one))) {
    return ['caller-token-wrong-audience', 'none of `aud` is a configured `audience`'] as const;
  }
  return undefined;
}
