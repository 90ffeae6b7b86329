import type { PolicyInput } from '../../policy/input.ts';
import type { Io } from '../../proxy/cli/command.ts';
import { unlessInterrupted } from '../interruption.ts';
import { machineFacts, startForeignLoadMeter } from '../machine.ts';
import { progress } from '../report/progress.ts';
import { resultPage } from '../report/page/page.ts';
import { resultTable } from '../report/table.ts';
import { resultText, writeOutput, writeResult } from '../result-file.ts';
import { type BenchResult, type Figure, resultFormat, type SubjectResult } from '../result.ts';
import { type Bench, runBench } from '../run.ts';
import { orLost, type Subject } from '../subject.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { Case, Cases } from './case.ts';
import { openDecider } from './decider-process.ts';
import { furtherText } from './further-text.ts';
import { measureCase, type Plan } from './measure.ts';
import { ownCases } from './own.ts';
import { type Installed, installedPeers, openPeers, stockName } from './peers.ts';
import type { Engine, Request } from './request.ts';
import { sameAnswers } from './same-answers.ts';
import { slowestRules } from './slowest-rules.ts';
import { syntheticCases } from './synthetic.ts';

/** A subject decides for so long in each round. */
const roundMillis = 300;

/** `portcullis bench policy`: resolves to the exit code. Throws ProxyError and PolicyError. */
export async function runBenchPolicy(request: Request, io: Io): Promise<number> {
  const line = progress(process.stderr);
  const work = runBench((t) => measure(t, request, io, line.show)).finally(line.clear);
  const outcome = await unlessInterrupted(work, io);
  if (typeof outcome === 'number') return outcome;
  await report(outcome, request, io);
  return 0;
}

/** Shown first: a file that cannot be written is no reason to measure again. */
async function report(result: BenchResult, request: Request, io: Io): Promise<void> {
  if (request.json === '-') io.out(resultText(result));
  else io.out(`${resultTable(result, { color: io.color })}${furtherText(result, io.color)}`);
  if (request.json !== undefined && request.json !== '-') await writeResult(request.json, result);
  if (request.html !== undefined) await writeOutput(request.html, resultPage(result));
}

async function measure(t: Bench, request: Request, io: Io, show: Plan['show']): Promise<BenchResult> {
  const startedAt = new Date(io.now()).toISOString();
  const folder = temporaryFolder(t, 'portcullis-bench-');
  // First: to build what is compared with takes minutes where there is a Go, and a mistake in a name is told at once.
  show('reading policy and inputs');
  const { scenario, cases, notes } = await casesOf(request, folder, io);
  show('looking for OPA');
  const installed = await installedPeers(request.opa);
  const load = startForeignLoadMeter();
  const subjects: SubjectResult[] = [];
  const found = new Set(notes);
  for (const open of cases) {
    const measured = await runBench(async (t) => {
      show('opening the next policy');
      return measureOne(t, await open(), { installed, folder, engines: request.engines, rounds: request.rounds, show });
    });
    subjects.push(...measured.subjects);
    for (const note of measured.notes) found.add(note);
  }
  const machine = { ...machineFacts(), foreignLoad: load.stop() };
  return { format: resultFormat, command: 'policy', scenario, startedAt, machine, subjects, notes: [...found] };
}

function casesOf({ what, engines }: Request, folder: string, io: Io): Promise<Cases> | Cases {
  return what.kind === 'own' ? ownCases(what, engines, folder, io) : syntheticCases(what.sizes, folder);
}

type Setting = Pick<Request, 'engines' | 'rounds'> &
  Pick<Plan, 'show'> & { readonly installed: Installed; readonly folder: string };

async function measureOne(t: Bench, of: Case, { installed, folder, engines, rounds, show }: Setting) {
  const ours: Subject[] = [];
  for (const engine of engines) ours.push(await openOurs(t, of, engine));
  const opened = await openPeers(t, of, installed, folder);
  show('asking everybody for the same answers');
  const agreed = await sameAnswers(ours, opened.peers, of.inputs);
  // What the others are compared with stands first.
  const subjects = agreed.subjects.toSorted((a, b) => Number(b.name === stockName) - Number(a.name === stockName));
  show('finding the slowest rules');
  const further = await furtherOf(of, ours);
  const results = await measureCase(of.name, subjects, of.inputs, { rounds, roundMillis, show }, further);
  return { subjects: results, notes: [...opened.notes, ...agreed.notes] };
}

function openOurs(t: Bench, { bundle, settings, inputs }: Case, engine: Engine): Promise<Subject> {
  const documents = inputs.map(({ input }) => input);
  const about = engine === 'plan' ? `${settings.maxSteps} steps` : 'the part of the input that the policy reads';
  const named = { name: `portcullis, ${engine}`, about };
  return orLost(named, openDecider(t, named, { engine, bundle, settings, inputs: documents }));
}

/** The plan is profiled whichever engine decides: it is what both were made from. */
async function furtherOf({ bundle, inputs, pathOf }: Case, ours: readonly Subject[]) {
  const documents = inputs.map(({ input }) => input as PolicyInput);
  const rules = bundle.plan === '' ? [] : await slowestRules(bundle, documents, pathOf);
  return new Map<string, readonly Figure[]>(
    ours.map(({ name }, index) => [name, index === ours.length - 1 ? rules : []]),
  );
}
