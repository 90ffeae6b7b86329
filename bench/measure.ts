import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from '../proxy/cli/bench-options.ts';
import { UsageError } from '../proxy/cli/command.ts';
import { ProxyError } from '../proxy/errors.ts';
import { version } from '../proxy/version.ts';
import { machineFacts, startForeignLoadMeter } from './machine.ts';
import { allPeers } from './peers/all.ts';
import { installPrograms } from './peers/programs.ts';
import { figuresText } from './report/figures-text.ts';
import { resultPage } from './report/page/page.ts';
import { progress } from './report/progress.ts';
import { resultTable } from './report/table.ts';
import { writeOutput, writeResult } from './result-file.ts';
import { type BenchResult, resultFormat, type SubjectResult } from './result.ts';
import { runBench } from './run.ts';
import { allScenarios } from './scenarios/all.ts';
import { choosePeers, chooseScenario } from './scenarios/run/choose.ts';
import { runScenario } from './scenarios/run/run-scenario.ts';
import { usualWarmUp } from './scenarios/scenario.ts';
import { temporaryFolder } from './temporary-folder.ts';

const usage = `npm run bench -- SCENARIO [PEER...] [options]

  --rounds N    interleaved rounds of each case (5)
  --seconds S   length of a round (2)
  --warm-up S   before the first round, at most so long (15): V8 has not compiled a cold proxy
  --lag MS      no latency at a fixed rate is shown where the generator itself was later than this (5)
  --patient     also the sizes for which this machine needs an hour
  --json FILE   writes the result there
  --html FILE   writes a page with charts there
  --keep        writes the result where those of this version are kept
  --list        shows scenarios and peers
  --install     gets the peers that no package of Debian has
`;

// Whatever was started ends with us; what `runBench` undoes at once runs when the process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`error[usage]: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
  } else if (error instanceof ProxyError) {
    process.stderr.write(`error[${error.code}]: ${error.message}\n`);
    process.exitCode = 3;
  } else throw error;
}

async function main(): Promise<void> {
  const { values, positionals } = words();
  if (values.install) return installPrograms(console.log);
  if (values.list) return console.log(list());
  const [name, ...names] = positionals;
  if (name === undefined) throw new UsageError(`name a scenario\n\n${list()}`);
  const scenario = chooseScenario(name, allScenarios);
  const plan = {
    rounds: wholeNumber('rounds', values.rounds, 1000),
    seconds: seconds('seconds', values.seconds),
    warmUp: { ...usualWarmUp, seconds: seconds('warm-up', values['warm-up']) },
    lagBoundMs: wholeNumber('lag', values.lag, 60_000),
    isPatient: values.patient,
  };
  const { peers, notes } = choosePeers(names, scenario, allPeers);
  const files = [
    ...(values.json === undefined ? [] : [values.json]),
    ...(values.keep ? [keptFile(scenario.name)] : []),
  ];
  const line = progress(process.stderr);
  const startedAt = new Date().toISOString();
  const load = startForeignLoadMeter();
  const found = await runBench(async (t) => {
    const folder = temporaryFolder(t, 'portcullis-bench-');
    return runScenario(t, { ...plan, scenario, peers, folder, show: line.show });
  });
  line.clear();
  if (found.subjects.length === 0) {
    throw new ProxyError('bench-peer-unusable', `nothing could be measured\n${[...notes, ...found.notes].join('\n')}`);
  }
  const result: BenchResult = {
    format: resultFormat,
    command: 'peers',
    scenario: scenario.name,
    startedAt,
    machine: { ...machineFacts(), foreignLoad: load.stop() },
    subjects: found.subjects,
    notes: [...notes, ...found.notes],
  };
  const width = process.stdout.columns ?? 160;
  console.log(resultTable(result, { color: process.stdout.isTTY, width }));
  console.log(figuresText(result, width));
  if (values.html !== undefined) await writeOutput(values.html, resultPage(result));
  for (const file of files) await writeResult(file, { ...result, subjects: result.subjects.map(thinned) });
}

function words() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        'warm-up': { type: 'string', default: String(usualWarmUp.seconds) },
        lag: { type: 'string', default: '5' },
        patient: { type: 'boolean', default: false },
        json: { type: 'string' },
        html: { type: 'string' },
        keep: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        install: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause));
  }
}

function seconds(name: string, text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 3600) return value;
  throw new UsageError(`--${name} takes seconds from 0.1 to 3600, not '${text}'`);
}

/** A curve that is kept for every release needs no point for every percent. */
function thinned(subject: SubjectResult): SubjectResult {
  const { latency } = subject;
  const distribution = latency.distribution.filter(([share], index) => share > 0.95 || index % 5 === 0);
  return { ...subject, latency: { ...latency, distribution } };
}

function list(): string {
  const lines = (all: readonly (readonly [string, string])[]) => {
    const width = Math.max(...all.map(([name]) => name.length));
    return all.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n');
  };
  const scenarios = lines(allScenarios.map(({ name, summary }) => [name, summary]));
  return `Scenarios:\n${scenarios}\n\nPeers:\n${lines(allPeers.map(({ name, does }) => [name, does]))}\n`;
}

function keptFile(scenario: string): string {
  const folder = join(import.meta.dirname, 'results', version);
  mkdirSync(folder, { recursive: true });
  return join(folder, `${scenario}.json`);
}
