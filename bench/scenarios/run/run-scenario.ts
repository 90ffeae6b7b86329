import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Until } from '../../load/closed-loop.ts';
import type { Peer } from '../../peers/peer.ts';
import type { Target } from '../../load/target.ts';
import { programVersion } from '../../peers/programs.ts';
import type { SubjectResult } from '../../result.ts';
import { type Bench, runBench } from '../../run.ts';
import type { Case, Scenario } from '../scenario.ts';
import { type Field, openField, startPeer, startWorkload, targetOf } from './field.ts';
import { machineLimits } from './machine-limits.ts';
import { createSubject, residentOf, type Subject, withAdded } from './subject.ts';

export type Plan = {
  readonly scenario: Scenario;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: Until;
  readonly lagBoundMs: number;
  readonly isPatient: boolean;
  readonly folder: string;
  readonly show: (text: string) => void;
};

export type Found = { readonly subjects: readonly SubjectResult[]; readonly notes: readonly string[] };

/** Within a case the rounds of the peers are interleaved, and over all cases where these are what is compared. */
export async function runScenario(t: Bench, plan: Plan): Promise<Found> {
  const { scenario, folder } = plan;
  const { cases, notes: about } = scenario.cases({ ...machineLimits(), isPatient: plan.isPatient });
  const notes = [...about];
  const field = await openField(t, folder);
  const stages = cases.map((one, index): Stage => {
    const say = (text: string) => plan.show(`${scenario.name} ${index + 1}/${cases.length}, ${one.name}: ${text}`);
    return { ...plan, field, one, say, note: (line: string) => void notes.push(`${one.name}: ${line}`) };
  });
  const subjects: SubjectResult[] = [];
  for (const group of scenario.sideBySide ? [stages] : stages.map((stage) => [stage])) {
    const [first] = group;
    const isFresh = first?.one.freshPeers === true;
    const found = await runBench((inner) => (isFresh ? inTurn(first) : together(inner, group)));
    const direct = found.find(({ name }) => name === directName);
    subjects.push(...found.map((each) => (direct === undefined || each === direct ? each : withAdded(each, direct))));
  }
  return { subjects, notes };
}

type Stage = Plan & {
  readonly field: Field;
  readonly one: Case;
  readonly say: (text: string) => void;
  readonly note: (line: string) => void;
};

const directName = 'direct';

/** Everybody runs side by side, so that a machine that slows down slows all of them. */
async function together(t: Bench, stages: readonly Stage[]): Promise<readonly SubjectResult[]> {
  const open: (readonly [Stage, Subject])[] = [];
  for (const stage of stages) open.push(...(await openAll(t, stage)).map((subject) => [stage, subject] as const));
  const rounds = Math.max(...stages.map(({ one, rounds: usual }) => one.rounds ?? usual));
  for (let round = 1; round <= rounds; round++) {
    for (const [stage, subject] of open) {
      stage.say(`round ${round} of ${rounds}, ${subject.name}`);
      await subject.round();
    }
  }
  return open.flatMap(([{ note }, subject]) => resultOf(subject, note));
}

/** Whoever can be opened and warmed up. */
async function openAll(t: Bench, stage: Stage): Promise<readonly Subject[]> {
  const { one, peers, say, note } = stage;
  const workloadPort = await workloadOf(t, stage);
  const open: Subject[] = [];
  const tryOpen = async (name: string, opening: () => Promise<Subject>) => {
    say(`starting ${name}`);
    try {
      const subject = await opening();
      t.teardown(subject.close);
      await subject.warmUp();
      open.push(subject);
    } catch (cause) {
      note(`${name} is left out: ${reasonOf(cause)}`);
    }
  };
  if (one.direct) await tryOpen(directName, () => openDirect(stage, workloadPort));
  for (const peer of peers) await tryOpen(peer.name, () => openPeer(t, stage, peer, workloadPort));
  return open;
}

/** Each peer is started for each of its rounds, and alone. */
async function inTurn(stage: Stage): Promise<readonly SubjectResult[]> {
  const { one, peers, say, note } = stage;
  const results = new Map<string, SubjectResult[]>(peers.map(({ name }) => [name, []]));
  const rounds = one.rounds ?? stage.rounds;
  for (let round = 1; round <= rounds; round++) {
    for (const peer of peers) {
      say(`round ${round} of ${rounds}, ${peer.name}`);
      await runBench(async (t) => {
        const subject = await openPeer(t, stage, peer, await workloadOf(t, stage));
        t.teardown(subject.close);
        await subject.round();
        results.get(peer.name)?.push(...resultOf(subject, note));
      }).catch((cause: unknown) => note(`${peer.name} is left out: ${reasonOf(cause)}`));
    }
  }
  return [...results.values()].flatMap((list) => (list[0] === undefined ? [] : [merged(list[0], list)]));
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The rounds of several starts as those of one subject. */
function merged(first: SubjectResult, all: readonly SubjectResult[]): SubjectResult {
  const rounds = all.flatMap((each) => each.rounds);
  const middle = all.toSorted((a, b) => a.latency.p50 - b.latency.p50)[Math.floor(all.length / 2)] ?? first;
  return { ...middle, rounds, memory: all.flatMap((each) => each.memory) };
}

function resultOf(subject: Subject, note: Stage['note']): readonly SubjectResult[] {
  for (const line of subject.trouble()) note(`${subject.name}: ${line}`);
  const result = subject.result();
  return result === undefined ? [] : [result];
}

async function workloadOf(t: Bench, { folder, one }: Stage): Promise<number> {
  return startWorkload(t, mkdtempSync(join(folder, 'workload-')), one.workload);
}

function workloadTarget(port: number): Target {
  return { kind: 'tcp', host: '127.0.0.1', port };
}

async function openDirect({ field, one, seconds, warmUp, lagBoundMs }: Stage, port: number): Promise<Subject> {
  const workload = workloadTarget(port);
  const running = { port, pids: [] };
  const { generator } = field;
  const under = { running, target: workload, workload, generator, seconds, warmUp, lagBoundMs };
  const station = await one.open({ ...under, crowd: [], startMs: 0 });
  const about = 'the workload without anybody in between, without TLS';
  return createSubject({ name: directName, about, pids: [], one, station, idleBytes: 0 });
}

async function openPeer(t: Bench, stage: Stage, peer: Peer, workloadPort: number): Promise<Subject> {
  const { field, one, seconds, warmUp, lagBoundMs } = stage;
  const { generator } = field;
  const started = await startPeer(t, field, peer, { wanted: one.wanted ?? {}, workloadPort });
  const { running } = started;
  const idleBytes = residentOf(running.pids);
  const crowd = await field.crowd(one.crowd ?? 0);
  const target = targetOf(running, field.client);
  const workload = workloadTarget(workloadPort);
  const load = { generator, seconds, warmUp, lagBoundMs };
  const station = await one.open({ ...started, ...load, target, workload, crowd });
  const versions = peer.programs.map(programVersion);
  const about = [...versions, peer.does].join('; ');
  return createSubject({ name: peer.name, about, pids: running.pids, one, station, idleBytes });
}
