import { readDecision } from '../../policy/decision.ts';
import { ProxyError } from '../../proxy/errors.ts';
import { type Subject, Unable } from '../subject.ts';

/** What the subjects are asked, each with a name that its owner recognises, such as `line 3 of requests.jsonl`. */
export type Named = { readonly name: string; readonly input: unknown };

export type Agreed = {
  readonly subjects: readonly Subject[];
  /** Who is left out, and why. */
  readonly notes: readonly string[];
};

/**
 * Every subject answers every input once before anything is measured: a wrong answer is easily fast. A peer that cannot decide
 * them all is left out; our own engines must. Throws ProxyError.
 */
export async function sameAnswers(
  ours: readonly Subject[],
  peers: readonly Subject[],
  inputs: readonly Named[],
): Promise<Agreed> {
  const expected = await answersOfOurs(ours, inputs);
  const subjects: Subject[] = [...ours];
  const notes: string[] = [];
  for (const peer of peers) {
    const answers = await peer.answers().catch((thrown: unknown) => {
      if (thrown instanceof Unable) return undecided(inputs, thrown);
      throw thrown;
    });
    if (typeof answers === 'string') notes.push(`${peer.name} is left out: ${answers}`);
    else {
      hold({ name: peer.name, answers }, expected, inputs, peer.tells === 'verdict' ? verdictOf : (answer) => answer);
      subjects.push(peer);
    }
  }
  return { subjects, notes };
}

type Answers = { readonly name: string; readonly answers: readonly string[] };

async function answersOfOurs(ours: readonly Subject[], inputs: readonly Named[]): Promise<Answers> {
  let expected: Answers | undefined;
  for (const engine of ours) {
    const answers = await engine.answers().catch((thrown: unknown) => {
      if (thrown instanceof Unable)
        throw new ProxyError('bench-undecided', `${engine.name}: ${undecided(inputs, thrown)}`);
      throw thrown;
    });
    if (expected === undefined) expected = { name: engine.name, answers };
    else hold({ name: engine.name, answers }, expected, inputs);
  }
  return expected ?? { name: '', answers: [] };
}

function undecided(inputs: readonly Named[], { input, message }: Unable): string {
  return input === undefined ? message : `it cannot decide ${inputs[input]?.name ?? ''}: ${message}`;
}

/** Throws ProxyError for the first input that is answered otherwise. */
function hold(
  { name, answers }: Answers,
  expected: Answers,
  inputs: readonly Named[],
  as = (answer: string) => answer,
): void {
  const index = answers.findIndex((answer, at) => answer !== as(expected.answers[at] ?? ''));
  if (index < 0) return;
  const [one, other] = [as(expected.answers[index] ?? ''), answers[index] ?? ''].map(shown);
  const which = inputs[index]?.name ?? '';
  throw new ProxyError('bench-answers-differ', `${which}: ${expected.name} answers ${one}, and ${name} ${other}`);
}

/** What the OPA-Envoy plugin makes of a result: the request may pass, or not. */
export function verdictOf(answer: string): string {
  if (answer === 'undefined') return 'deny';
  return readDecision([{ result: JSON.parse(answer) as unknown }]).kind === 'allow' ? 'allow' : 'deny';
}

function shown(answer: string): string {
  return answer.length <= 300 ? answer : `${answer.slice(0, 300)}...`;
}
