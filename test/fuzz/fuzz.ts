import { cutAnywhere, mutate } from './mutate.ts';
import { below, oneOf, type Random } from '../harness/random.ts';
import { shrink } from './shrink.ts';
import type { Outcome, Subject } from './subject.ts';

export type Finding = { readonly subject: string; readonly what: string; readonly bytes: Buffer };

export type Tally = {
  executions: number;
  bothAccept: number;
  bothRefuse: number;
  readonly rules: Map<string, number>;
  /** Messages that went a way that none before had gone. */
  kept: number;
};

export type Campaign = { readonly tallies: ReadonlyMap<string, Tally>; readonly findings: readonly Finding[] };

/** Longer messages are tried as they are; mutating them costs time and finds nothing more. */
const maxBytes = 1500;
/** More say nothing new: they have one cause, or somebody has to look now. */
const maxFindings = 5;

/**
 * First every message of the corpus as it is, then with accidents, each in several pieces and in one, given to our reader and to
 * another. A message that makes the two go a new way joins the corpus, so that later ones start from where few come.
 */
export async function fuzz(subjects: readonly Subject[], random: Random, goesOn: () => boolean): Promise<Campaign> {
  const tallies = new Map(subjects.map(({ name }) => [name, newTally()]));
  const findings: Finding[] = [];
  const targets = subjects.map((subject) => target(subject, random));
  const tryOne = async ({ subject, next, keep }: Target) => {
    const bytes = next();
    const outcome = await runOnce(subject, bytes, random);
    const tally = tallies.get(subject.name);
    if (tally !== undefined) count(tally, outcome, keep(bytes, outcome));
    if (outcome.verdict === 'unlisted') findings.push(await reproducible(subject, bytes, outcome.what, random));
  };
  for (const each of targets) {
    for (let left = each.subject.corpus.length; left > 0 && findings.length < maxFindings; left -= 1)
      await tryOne(each);
  }
  while (goesOn() && findings.length < maxFindings) await tryOne(oneOf(random, targets));
  return { tallies, findings };
}

type Target = {
  readonly subject: Subject;
  readonly next: () => Buffer;
  /** @returns whether it went a way that none before had gone */
  readonly keep: (bytes: Buffer, outcome: Outcome) => boolean;
};

function target(subject: Subject, random: Random): Target {
  const untried = subject.corpus.toReversed();
  const corpus = subject.corpus.filter(({ length }) => length <= maxBytes);
  /** Hardly any mutant of a bad message is good, and two readers of what is good can differ the most. */
  const good: Buffer[] = [];
  const seen = new Set<string>();
  return {
    subject,
    next: () => untried.pop() ?? mutate(good.length > 0 && random() < 0.7 ? good : corpus, random, subject.accidents),
    keep: (bytes, outcome) => {
      const way = JSON.stringify(outcome);
      const isNew = outcome.verdict !== 'unlisted' && !seen.has(way) && bytes.length <= maxBytes;
      seen.add(way);
      if (isNew) corpus.push(bytes);
      if (outcome.verdict === 'both-accept' && (isNew || untried.length > 0)) good.push(bytes);
      return isNew;
    },
  };
}

async function runOnce(subject: Subject, bytes: Buffer, random: Random): Promise<Outcome> {
  const cut = await differentSplit(subject, bytes, random);
  return cut === undefined ? subject.compare(bytes) : { verdict: 'unlisted', what: cut };
}

async function differentSplit({ read }: Subject, bytes: Buffer, random: Random): Promise<string | undefined> {
  const whole = JSON.stringify(await read([bytes]));
  const bytewise = below(random, 8) === 0;
  const pieces = bytewise ? [...bytes].map((byte) => Buffer.of(byte)) : cutAnywhere(bytes, random);
  const cut = JSON.stringify(await read(pieces));
  if (cut === whole) return undefined;
  return `${whole}, but ${cut} when cut after ${pieces.map(({ length }) => length).join(', ')} bytes`;
}

/** As short as it can be made while it still shows something that no rule explains. */
async function reproducible(subject: Subject, bytes: Buffer, what: string, random: Random): Promise<Finding> {
  let shortest = what;
  const small = await shrink(bytes, async (candidate) => {
    const outcome = await runOnce(subject, candidate, random);
    if (outcome.verdict === 'unlisted') shortest = outcome.what;
    return outcome.verdict === 'unlisted';
  });
  return { subject: subject.name, what: shortest, bytes: small };
}

function count(tally: Tally, outcome: Outcome, isNew: boolean): void {
  tally.executions += 1;
  if (isNew) tally.kept += 1;
  if (outcome.verdict === 'both-accept') tally.bothAccept += 1;
  if (outcome.verdict === 'both-refuse') tally.bothRefuse += 1;
  if (outcome.verdict === 'rule') tally.rules.set(outcome.rule, (tally.rules.get(outcome.rule) ?? 0) + 1);
}

function newTally(): Tally {
  return { executions: 0, bothAccept: 0, bothRefuse: 0, rules: new Map(), kept: 0 };
}
