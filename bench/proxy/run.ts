import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../../proxy/cli/command.ts';
import { addressText } from '../../proxy/config/address.ts';
import type { Config } from '../../proxy/config/config.ts';
import { thisMachine } from '../../proxy/config/world.ts';
import { loadConfigFile } from '../../proxy/control/load-snapshot.ts';
import { ProxyError } from '../../proxy/errors.ts';
import { unlessInterrupted } from '../interruption.ts';
import { startGenerator } from '../load/generator.ts';
import type { LoadRequest } from '../load/load-request.ts';
import { type Target, targetText } from '../load/target.ts';
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
  const all = config.workload.tls === undefined ? notes : [...notes, withoutTls];
  const result = {
    format: resultFormat,
    command: 'proxy',
    scenario,
    startedAt,
    machine,
    subjects,
    notes: all,
  } as const;
  return { result, isComplete };
}

const withoutTls = 'the built-in workload was asked in clear text: what workload.tls costs is not in these figures';

type Given = Pick<Site, 'request' | 'folder' | 'show'> & {
  readonly config: Config;
  readonly requests: readonly LoadRequest[];
  readonly cwd: string;
};

async function prepare(t: Bench, { request, config, requests, folder, cwd, show }: Given): Promise<Site> {
  const workload = request.workload === 'builtin' ? await builtinTarget(t) : plainTarget(config);
  const stateFolder = join(folder, 'state');
  const credential = await credentialOf(request.client, config, stateFolder);
  const allowAllFolder = join(folder, 'allow-all');
  mkdirSync(allowAllFolder);
  writeFileSync(join(allowAllFolder, 'authz.rego'), allowAllRego);
  const generator = startGenerator();
  t.teardown(generator.close);
  const own = settingsOf(await readFile(request.configFile, 'utf8'));
  return {
    request,
    requests,
    folder,
    show,
    generator,
    credential,
    allowAllFolder,
    workload,
    settings: request.workload === 'builtin' ? withWorkload(own, targetText(workload)) : own,
    setting: { configFile: request.configFile, cwd, stateFolder, ownKeys: request.client.kind === 'files' },
  };
}

async function builtinTarget(t: Bench): Promise<Target> {
  return { kind: 'tcp', ...(await startBuiltinWorkload(t)) };
}

/** The certificate of a run is of a CA of its own, which a workload that wants one would not believe. Throws ProxyError. */
function plainTarget({ workload: { address, tls } }: Config): Target {
  if (tls !== undefined)
    throw new ProxyError('bench-workload-over-tls', `${addressText(address)} is reached over TLS (workload.tls)`);
  return address.kind === 'unix' ? { kind: 'unix', path: address.path } : address;
}
