import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../../proxy/cli/command.ts';
import type { Config } from '../../proxy/config/config.ts';
import { thisMachine } from '../../proxy/config/world.ts';
import { loadConfigFile } from '../../proxy/control/load-snapshot.ts';
import { unlessInterrupted } from '../interruption.ts';
import { startGenerator } from '../load/generator.ts';
import type { LoadRequest } from '../load/load-request.ts';
import type { Target } from '../load/target.ts';
import { machineFacts, startForeignLoadMeter } from '../machine.ts';
import { figuresText } from '../report/figures-text.ts';
import { resultPage } from '../report/page/page.ts';
import { progress } from '../report/progress.ts';
import { resultTable } from '../report/table.ts';
import { resultText, writeOutput, writeResult } from '../result-file.ts';
import { type BenchResult, resultFormat } from '../result.ts';
import { type Bench, runBench } from '../run.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { startBuiltinWorkload } from './builtin-workload.ts';
import { measureCases, type Site } from './cases.ts';
import { credentialOf } from './credential.ts';
import { allowAllRego } from './filters.ts';
import { givenRequests, requestsText } from './given-requests.ts';
import type { Request } from './request.ts';
import { settingsOf, withWorkload } from './settings.ts';

/** `portcullis bench proxy`: resolves to the exit code. Throws ProxyError, PolicyError and CertsError. */
export async function runBenchProxy(request: Request, io: Io): Promise<number> {
  const line = progress(process.stderr);
  const work = runBench((t) => measure(t, request, io, line.show)).finally(line.clear);
  const outcome = await unlessInterrupted(work, io);
  if (typeof outcome === 'number') return outcome;
  const { result, isComplete } = outcome;
  // Shown first: a file that cannot be written is no reason to measure again.
  io.out(request.json === '-' ? resultText(result) : shown(result, io));
  if (request.json !== undefined && request.json !== '-') await writeResult(request.json, result);
  if (request.html !== undefined) await writeOutput(request.html, resultPage(result));
  return isComplete ? 0 : 1;
}

const tableWidth = 120;

function shown(result: BenchResult, { color }: Io): string {
  const further = figuresText(result, tableWidth);
  return resultTable(result, { color, width: tableWidth }) + (further === '' ? '' : `\n${further}`);
}

type Outcome = { readonly result: BenchResult; readonly isComplete: boolean };

async function measure(t: Bench, request: Request, io: Io, show: (progress: string) => void): Promise<Outcome> {
  const startedAt = new Date(io.now()).toISOString();
  const { config } = await loadConfigFile(request.configFile, thisMachine(io.env), io.cwd);
  const requests = await givenRequests(request.requests, config);
  const folder = temporaryFolder(t, 'pcb-');
  const load = startForeignLoadMeter();
  const site = await prepare(t, { request, config, requests, folder, cwd: io.cwd, show });
  const { subjects, notes, isComplete } = await measureCases(t, site);
  const machine = { ...machineFacts(), foreignLoad: load.stop() };
  const scenario = `${requestsText(requests)} on ${request.connections} connections, ${request.workload} workload`;
  const result = { format: resultFormat, command: 'proxy', scenario, startedAt, machine, subjects, notes } as const;
  return { result, isComplete };
}

type Given = Pick<Site, 'request' | 'folder' | 'show'> & {
  readonly config: Config;
  readonly requests: readonly LoadRequest[];
  readonly cwd: string;
};

async function prepare(t: Bench, { request, config, requests, folder, cwd, show }: Given): Promise<Site> {
  const stateFolder = join(folder, 'state');
  const credential = await credentialOf(request.client, config, stateFolder);
  const allowAllFolder = join(folder, 'allow-all');
  mkdirSync(allowAllFolder);
  writeFileSync(join(allowAllFolder, 'authz.rego'), allowAllRego);
  const generator = startGenerator();
  t.teardown(generator.close);
  const builtin = request.workload === 'builtin' ? await startBuiltinWorkload(t) : undefined;
  const own = settingsOf(await readFile(request.configFile, 'utf8'));
  return {
    request,
    requests,
    folder,
    show,
    generator,
    credential,
    allowAllFolder,
    workload: builtin === undefined ? plainTarget(config) : { kind: 'tcp', ...builtin },
    settings: builtin === undefined ? own : withWorkload(own, `${builtin.host}:${builtin.port}`),
    setting: { configFile: request.configFile, cwd, stateFolder, ownKeys: request.client.kind === 'files' },
  };
}

function plainTarget({ workload: { address } }: Config): Target {
  return address.kind === 'unix' ? { kind: 'unix', path: address.path } : address;
}
