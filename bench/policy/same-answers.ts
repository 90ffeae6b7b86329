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
 * them all, or decides one otherwise, is left out; our own engines must agree. Throws ProxyError.
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
    const why = await whyNot(peer, expected, inputs);
    if (why === undefined) subjects.push(peer);
    else notes.push(`${peer.name} is left out: ${why}`);
  }
  return { subjects, notes };
}

type Answers = { readonly name: string; readonly answers: readonly string[] };

async function answersOfOurs(ours: readonly Subject[], inputs: readonly Named[]): Promise<Answers> {
  let expected: Answers | undefined;
  for (const { name, answers } of ours) {
    const given = { name, answers: await answers().catch((thrown: unknown) => refuse(name, thrown, inputs)) };
    const otherwise = expected === undefined ? undefined : difference(given, expected, inputs);
    if (otherwise !== undefined) throw new ProxyError('bench-answers-differ', `${name}: ${otherwise}`);
    expected ??= given;
  }
  return expected ?? { name: '', answers: [] };
}

function refuse(name: string, thrown: unknown, inputs: readonly Named[]): never {
  if (thrown instanceof Unable) throw new ProxyError('bench-undecided', `${name}: ${undecided(thrown, inputs)}`);
  throw thrown;
}

async function whyNot(peer: Subject, expected: Answers, inputs: readonly Named[]): Promise<string | undefined> {
  try {
    const given = { name: peer.name, answers: await peer.answers() };
    const answers = peer.tells === 'verdict' ? expected.answers.map(verdictOf) : expected.answers;
    return difference(given, { ...expected, answers }, inputs);
  } catch (thrown) {
    if (thrown instanceof Unable) return undecided(thrown, inputs);
    throw thrown;
  }
}

function undecided({ input, message }: Unable, inputs: readonly Named[]): string {
  return input === undefined ? message : `it cannot decide ${inputs[input]?.name ?? ''}: ${message}`;
}

/** The first input that is answered otherwise; undefined when there is none. */
function difference({ answers }: Answers, expected: Answers, inputs: readonly Named[]): string | undefined {
  const index = answers.findIndex((answer, at) => answer !== expected.answers[at]);
  if (index < 0) return undefined;
  const [one, other] = [answers[index] ?? '', expected.answers[index] ?? ''].map(shown);
  return `it answers ${inputs[index]?.name ?? ''} with ${one}, and ${expected.name} with ${other}`;
}

/** What the OPA-Envoy plugin makes of a result: the request may pass, or not. */
function verdictOf(answer: string): string {
  if (answer === 'undefined') return 'deny';
  return readDecision([{ result: JSON.parse(answer) as unknown }]).kind === 'allow' ? 'allow' : 'deny';
}

function shown(answer: string): string {
  return answer.length <= 300 ? answer : `${answer.slice(0, 300)}...`;
}
