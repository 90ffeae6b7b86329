import { decide } from '../../policy/decision.ts';
import { buildInput } from '../../policy/input.ts';
import type { Allowed, Decision } from '../../policy/verdict.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { type Obligations, readDenial, readObligations } from '../obligations.ts';
import { inputFacts, type Judged } from '../policy-input.ts';
import type { Snapshot } from '../snapshot.ts';

/**
 * The proof that policy allowed this exchange; `forward` demands one. The class itself never leaves this file, and a
 * private member makes it nominal: nobody else can make a value of this type, not even by mistake.
 */
class PolicyPermit {
  readonly #decision: Allowed;
  readonly revision: string;
  readonly obligations: Obligations;

  constructor(decision: Allowed, revision: string, obligations: Obligations) {
    this.#decision = decision;
    this.revision = revision;
    this.obligations = obligations;
  }

  get rule(): string {
    return this.#decision.rule;
  }

  get reasons(): readonly string[] {
    return this.#decision.reasons;
  }
}

export type Permit = PolicyPermit;

export type Authorized = { readonly permit: Permit };

/** What a thread knows of the policies that it runs, by their revision. */
export type Evaluations = {
  /** Marks the stretch in which a policy holds this thread, so that the watchdog knows whom to blame. */
  readonly enter: (revision: string) => void;
  readonly leave: () => void;
  /** Why it decides nothing any more, not even for requests that were accepted with it before. */
  readonly condemned: (revision: string) => string | undefined;
};

/** Asks the policy. Only a clean `allow` makes a Permit; whatever cannot be decided is refused as undecided. */
export function authorize(evaluations: Evaluations): Filter<Accepted & Judged, Authorized> {
  return {
    name: 'authorize',
    add: (facts, { permit }) => void (facts.permit = permit),
    apply: (facts) => {
      const { engine, policyBad = evaluations.condemned(engine.revision) } = facts.snapshot;
      if (policyBad !== undefined) return deny('policy-undecided', { detail: policyBad });
      const input = buildInput(inputFacts(facts, engine.reads), engine.reads);
      evaluations.enter(engine.revision);
      // `decide` never throws; a mark that stayed would blame policy for somebody else's stall.
      const decision = decide(engine, input);
      evaluations.leave();
      return permitOrDeny(decision, facts.snapshot, facts.request.target);
    },
  };
}

function permitOrDeny(decision: Decision, { engine, ownHeaders }: Snapshot, target: string): Authorized | Denial {
  if (decision.kind === 'undecided') return deny('policy-undecided', { detail: decision.why });
  if (decision.kind === 'deny') return readDenial(decision, ownHeaders);
  const obligations = readObligations(decision, ownHeaders, target);
  return 'code' in obligations ? obligations : { permit: new PolicyPermit(decision, engine.revision, obligations) };
}
