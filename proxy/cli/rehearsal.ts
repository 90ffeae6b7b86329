import type { PolicyInput } from '../../policy/input.ts';
import { type Denial, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import type { Identified } from '../filters/identity.ts';
import { countHeldBytes } from '../limit/held-bytes.ts';
import { createRehearsal } from '../pipeline.ts';
import type { Snapshot } from '../snapshot.ts';

/** What the policy was asked and said; without a result when the evaluation was cut short. */
export type Asked = { readonly input: PolicyInput; readonly result?: unknown };

export type Rehearsed = {
  readonly outcome: Awaited<ReturnType<ReturnType<typeof createRehearsal>['run']>>;
  /** Undefined for a request that was refused before. */
  readonly asked: Asked | undefined;
};

/** Judges the request that `given` makes, in the order in which the proxy does; nothing is counted and nothing sent. */
export async function rehearse(
  judgedBy: Snapshot,
  given: (snapshot: Snapshot) => Promise<(Accepted & Identified) | Denial>,
): Promise<Rehearsed> {
  const heard: Asked[] = [];
  const facts = await given(overheard(judgedBy, (asked) => heard.push(asked)));
  const idle = () => undefined;
  const rehearsal = createRehearsal(
    { enter: idle, leave: idle, condemned: idle },
    countHeldBytes(() => Number.POSITIVE_INFINITY),
  );
  const outcome = isDenial(facts) ? facts : await rehearsal.run(facts);
  return { outcome, asked: heard.at(-1) };
}

/** The engine does not say what it reads: who asks for the input is to see all of it. */
function overheard(snapshot: Snapshot, hear: (asked: Asked) => void): Snapshot {
  const { engine } = snapshot;
  const decide: typeof engine.decide = (input) => {
    hear({ input });
    const result = engine.decide(input);
    hear({ input, result });
    return result;
  };
  return Object.freeze({ ...snapshot, engine: Object.freeze({ revision: engine.revision, decide }) });
}
