import type { CallerOutcome } from './caller/find-caller.ts';
import { Chain } from './chain.ts';
import type { Clock } from './clock.ts';
import type { Accepted } from './exchange.ts';
import { authorize, type Evaluations } from './filters/authorize.ts';
import { type Identified, identity } from './filters/identity.ts';
import { inspect } from './filters/inspect.ts';
import { limit } from './filters/limit.ts';
import { normalise } from './filters/normalise.ts';
import { type TokenOutcome, user } from './filters/user.ts';
import { validate } from './filters/validate.ts';
import type { HeldBytes } from './limit/held-bytes.ts';
import type { SharedLimits } from './limit/shared-limits.ts';
import { forward } from './upstream/forward.ts';
import type { CountIntrospection } from './user/introspection.ts';
import { type TokenUses, tokenUses } from './user/token-uses.ts';

export type PipelineParts = {
  readonly limits: SharedLimits;
  readonly clock: Clock;
  readonly evaluations: Evaluations;
  readonly held: HeldBytes;
  /** Until when our own SVID holds. */
  readonly ownNotAfterMs: () => number;
  readonly countToken: (outcome: TokenOutcome) => void;
  readonly countIntrospection: CountIntrospection;
  readonly countCaller: (outcome: CallerOutcome) => void;
};

/** THE order in which a request is judged and sent. A filter in the wrong place does not compile. */
export function createPipeline(parts: PipelineParts) {
  const { limits, clock, evaluations, held, countToken, countIntrospection, countCaller, ownNotAfterMs } = parts;
  const nowUs = () => clock.monotonicMs() * 1000;
  return Chain.from<Accepted>()
    .use(identity(ownNotAfterMs, countCaller))
    .use(normalise)
    .use(limit(limits, nowUs))
    .use(user(tokenUses(limits.tokens, clock.nowMs), countToken, countIntrospection))
    .use(validate(held))
    .use(authorize(evaluations))
    .use(forward(clock.monotonicNs))
    .use(inspect(held));
}

/** What can be decided of a request that nobody has sent: its peer is given, nothing is counted, nothing forwarded. */
export function createRehearsal(evaluations: Evaluations, held: HeldBytes) {
  const unused: TokenUses = { take: () => 'first' };
  const userOnly = user(
    unused,
    () => undefined,
    () => undefined,
  );
  return Chain.from<Accepted & Identified>()
    .use(normalise)
    .use(userOnly)
    .use(validate(held))
    .use(authorize(evaluations));
}

export type Pipeline = ReturnType<typeof createPipeline>;
/** Every fact of a request that came all the way. */
export type Served = Exclude<Awaited<ReturnType<Pipeline['run']>>, { readonly code: string }>;
