import { hash } from 'node:crypto';
import type { IntrospectionConfig } from '../config/token-config.ts';
import type { Denial } from '../denial.ts';
import type { Claims } from './claims.ts';
import { judgeAnswer, undecided } from './introspection-answer.ts';

/** What became of the tokens whose issuer is to be asked; `remembered` are those that needed no call of their own. */
export const introspectionOutcomes = ['active', 'inactive', 'unavailable', 'remembered'] as const;
export type IntrospectionOutcome = (typeof introspectionOutcomes)[number];
export type CountIntrospection = (outcome: IntrospectionOutcome) => void;

/** The bytes of a whole answer to one token. Throws an Error whose message never has a value of the token. */
export type AskServer = (token: string) => Promise<Uint8Array>;

/** Whether a token that was found good here is still active at its issuer (RFC 7662); undefined says yes. */
export type Introspect = (
  shown: { readonly token: string; readonly claims: Claims; readonly nowMs: number },
  count: CountIntrospection,
) => undefined | Denial | Promise<undefined | Denial>;

/** Of each data thread: a server that hangs must not gather all requests there are. */
const maxUnderWay = 100;

/**
 * Keeps who was active for `maxAgeMs`, by digest, since a token is a credential. It belongs to one snapshot. That a token is not
 * active is not kept: an issuer whose parts agree a moment later would be held against its users.
 */
export function openIntrospection(
  { maxAgeMs, maxEntries }: Pick<IntrospectionConfig, 'maxAgeMs' | 'maxEntries'>,
  audience: readonly string[],
  ask: AskServer,
): Introspect {
  const active = activeTokens(maxEntries);
  const underWay = new Map<string, Promise<undefined | Denial>>();
  return ({ token, claims, nowMs }, count) => {
    const digest = hash('sha256', token, 'base64url');
    if (active.has(digest, nowMs)) {
      count('remembered');
      return undefined;
    }
    const asked = underWay.get(digest);
    if (asked !== undefined) {
      count('remembered');
      return asked;
    }
    if (underWay.size >= maxUnderWay) {
      count('unavailable');
      return undecided('too many calls are under way');
    }
    const answered = answerOf(token, claims, audience, ask).then((denial) => {
      underWay.delete(digest);
      count(outcomeOf(denial));
      // From before the call: what was revoked while it was under way is not served for longer.
      if (denial === undefined) active.add(digest, nowMs, Math.min(nowMs + maxAgeMs, claims.expiresMs));
      return denial;
    });
    underWay.set(digest, answered);
    return answered;
  };
}

async function answerOf(
  token: string,
  claims: Claims,
  audience: readonly string[],
  ask: AskServer,
): Promise<undefined | Denial> {
  try {
    return judgeAnswer(await ask(token), claims, audience);
  } catch (cause) {
    return undecided(cause instanceof Error ? cause.message : 'the call failed');
  }
}

function outcomeOf(denial: Denial | undefined): IntrospectionOutcome {
  if (denial === undefined) return 'active';
  return denial.code === 'user-token-revoked' ? 'inactive' : 'unavailable';
}

function activeTokens(maxEntries: number) {
  const times = new Map<string, { readonly fromMs: number; readonly untilMs: number }>();
  return {
    has: (digest: string, nowMs: number) => {
      const time = times.get(digest);
      // A wall clock that was put back must not prolong it.
      return time !== undefined && nowMs >= time.fromMs && nowMs < time.untilMs;
    },
    add: (digest: string, fromMs: number, untilMs: number) => {
      if (untilMs <= fromMs) return;
      // What is renewed becomes the youngest.
      times.delete(digest);
      const [oldest] = times.size < maxEntries ? [] : times.keys();
      if (oldest !== undefined) times.delete(oldest);
      times.set(digest, { fromMs, untilMs });
    },
  };
}
