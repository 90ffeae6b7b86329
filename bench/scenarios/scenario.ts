import type { Until } from '../load/closed-loop.ts';
import type { Generator, LoadConnections } from '../load/generator.ts';
import type { LoadRequest } from '../load/load-request.ts';
import type { LoadOutcome } from '../load/tally.ts';
import type { Credential, Target } from '../load/target.ts';
import type { Running, Wanted } from '../peers/peer.ts';
import type { Figure } from '../result.ts';

/** What is done to every peer, one after the other, in each round. */
export type Scenario = {
  readonly name: string;
  /** One line, for `--list`. */
  readonly summary: string;
  /** Names of the peers it is about, where it is not about all of them. */
  readonly peers?: readonly string[];
  /** Its cases are what is compared, and so their rounds are interleaved too. All of their peers run at once. */
  readonly sideBySide?: true;
  readonly cases: (limits: MachineLimits) => Cases;
};

export type Cases = {
  readonly cases: readonly Case[];
  /** What was made smaller for this machine, in words. */
  readonly notes: readonly string[];
};

/** What a scenario has to fit into. */
export type MachineLimits = {
  /** File descriptors that a process may have: a connection is one here, and two for a proxy that forwards on it. */
  readonly descriptors: number;
  readonly memoryBytes: number;
  readonly cores: number;
  /** Somebody who has an hour, and asks for the sizes that take it. */
  readonly isPatient: boolean;
};

export type Case = {
  readonly name: string;
  readonly wanted?: Partial<Wanted>;
  /** `reader` answers when the whole body has arrived, `sender` with 1 MB; `responder`, the usual one, at once and with little. */
  readonly workload?: 'responder' | 'reader' | 'sender';
  /** Also measures the workload without anybody in between, as the first subject. */
  readonly direct?: true;
  /** So many clients besides the one whose requests are measured. */
  readonly crowd?: number;
  /** A new one for each round instead of one that serves all of them. */
  readonly freshPeers?: true;
  /** Processor time counts from the start of the process, and not from that of the round. */
  readonly countsFrom?: 'start';
  /** Where one round takes minutes. */
  readonly rounds?: number;
  readonly open: (subject: SubjectUnderLoad) => Promise<Station>;
};

export type SubjectUnderLoad = {
  readonly running: Running;
  readonly target: Target;
  readonly generator: Generator;
  readonly seconds: number;
  readonly warmUp: Until;
  /** How late the generator may be before a latency at a fixed rate is withheld. */
  readonly lagBoundMs: number;
  /** The workload itself, past everybody. */
  readonly workload: Target;
  /** Whom the case asked for; no rule admits them. */
  readonly crowd: readonly Credential[];
  /** Milliseconds from starting the process to its first answer. */
  readonly startMs: number;
};

/** A subject with its connections open. */
export type Station = {
  /** Before the first round, and not counted. */
  readonly warmUp?: () => Promise<LoadOutcome>;
  /** One round; what the subject takes meanwhile is measured around it. */
  readonly round: () => Promise<LoadOutcome>;
  /** What the last round left behind, such as memory. */
  readonly figures?: () => readonly Figure[];
  readonly close: () => Promise<void>;
};

/** Compilers that work at run time are done by then: after 10,000 requests a round still took three times what the fifth one did. */
export const usualWarmUp = { requests: 60_000, seconds: 15 } as const;

/** Of the large bodies, in both directions. */
export const megabyte = 1_000_000;

/** Connections that are kept between the rounds, and warmed up with the same requests as fast as they go. */
export async function kept(
  { generator, target, warmUp }: Pick<SubjectUnderLoad, 'generator' | 'target' | 'warmUp'>,
  connections: number,
  requests: readonly LoadRequest[],
  round: (open: LoadConnections) => Promise<LoadOutcome>,
): Promise<Station> {
  const open = await generator.connect(target, connections);
  return { warmUp: () => open.closedLoop(requests, warmUp), round: () => round(open), close: open.close };
}

/** Every connection asks again as soon as it is answered: what the subject does at its limit. */
export function closedLoop(connections: number, requests: readonly LoadRequest[]): Case['open'] {
  return (subject) =>
    kept(subject, connections, requests, (open) => open.closedLoop(requests, { seconds: subject.seconds }));
}
