import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { readManifest } from '../../policy/bundle/manifest.ts';
import { readBundleFiles } from '../../policy/bundle/read.ts';
import { readSources } from '../../policy/compiler/sources.ts';
import { wholeText } from '../../policy/engines/projection.ts';
import type { Io } from '../../proxy/cli/command.ts';
import type { Config, PolicyConfig } from '../../proxy/config/config.ts';
import { nearPath } from '../../proxy/config/problem.ts';
import { thisMachine } from '../../proxy/config/world.ts';
import { loadConfigFile, loadRules, loadSnapshot } from '../../proxy/control/load-snapshot.ts';
import { tryPolicy } from '../../proxy/control/policy-trial.ts';
import { hydrate } from '../../proxy/hydrate.ts';
import { sampleInputs } from '../../proxy/sample-input.ts';
import type { SnapshotData } from '../../proxy/snapshot-data.ts';
import type { Case, Cases } from './case.ts';
import { givenInputs } from './inputs/given.ts';
import { type Entry, readEntries } from './inputs/json-file.ts';
import { notesOnLacking, refuseLackingRecords } from './inputs/lacking.ts';
import { type Recorded, recordedInputs } from './inputs/recorded.ts';
import type { Engine, OwnPolicy } from './request.ts';
import type { Named } from './same-answers.ts';

/** The policy of a configuration, asked what its owner gives. Throws ProxyError and PolicyError. */
export async function ownCases(
  { configFile, from }: OwnPolicy,
  engines: readonly Engine[],
  folder: string,
  io: Io,
): Promise<Cases> {
  const { config } = await loadConfigFile(configFile, thisMachine(io.env), io.cwd);
  const source = await readSource(from);
  const rules = await loadRules(config, { cacheFolder: join(config.identity.stateFolder, 'policy-cache') });
  const data = await loadSnapshot(rules, { trust: [], lists: [], fetchedKeys: new Map() });
  await tryFor(engines, data);
  const { inputs, about, notes } = await inputsFrom(source, data, io);
  const open = async (): Promise<Case> => ({
    name: '',
    bundle: data.policy,
    settings: config.policy.engine,
    inputs,
    ...(await sourcesFor(config.policy, data.policy, folder, io)),
  });
  const count = inputs.length === 1 ? '1 input' : `${inputs.length} inputs`;
  return { scenario: `${config.policy.entrypoint}, ${count} ${about}`, cases: [open], notes };
}

/** Nothing would end an endless policy later; only the plan engine ends itself. */
async function tryFor(engines: readonly Engine[], { config, policy }: SnapshotData): Promise<void> {
  if (!engines.includes('wasm') || policy.wasm.byteLength === 0) return;
  const engine = { ...config.policy.engine, engine: 'wasm' } as const;
  const tried: Config = { ...config, policy: { ...config.policy, engine } };
  await tryPolicy({ config: tried, policy });
}

type Source =
  | { readonly kind: 'routes' }
  | { readonly kind: 'input'; readonly file: string; readonly entries: readonly Entry[] }
  | ({ readonly kind: 'recorded' } & Recorded);

/** Before the policy is compiled, which takes longer. */
async function readSource(from: OwnPolicy['from']): Promise<Source> {
  switch (from.kind) {
    case 'routes':
      return from;
    case 'input':
      return { ...from, entries: await readEntries(from.file) };
    case 'recorded':
      return { kind: 'recorded', ...(await recordedInputs(from.path)) };
  }
}

type Inputs = { readonly inputs: readonly Named[]; readonly about: string; readonly notes: readonly string[] };

const madeUp =
  'the inputs were made from the routes, from a peer that does not exist: give real ones with --input or --recorded';

async function inputsFrom(source: Source, data: SnapshotData, io: Io): Promise<Inputs> {
  switch (source.kind) {
    case 'routes': {
      const names = data.config.routes.map(({ name }) => `route ${name}`);
      const inputs = sampleInputs(data.config).map((input, index) => ({ name: names[index] ?? '', input }));
      return { inputs, about: 'made from the routes', notes: [madeUp] };
    }
    case 'input': {
      const inputs = await givenInputs(source.entries, () => hydrate(data), io);
      return { inputs, about: `of ${basename(source.file)}`, notes: notesOnLacking(data.policy, inputs) };
    }
    case 'recorded': {
      refuseLackingRecords(data.policy);
      const { inputs, incomplete, more } = source;
      const left = `exchanges left out, whose record masks a credential or had to cut a field: ${incomplete}`;
      const further = `further exchanges on record that were not asked, after the first ${inputs.length}: ${more}`;
      return {
        inputs,
        about: 'on record',
        notes: [...(incomplete === 0 ? [] : [left]), ...(more === 0 ? [] : [further])],
      };
    }
  }
}

/** Where the rules stand, for messages and for OPA. */
async function sourcesFor(
  { source, entrypoint }: PolicyConfig,
  bundle: PolicyBundle,
  folder: string,
  io: Io,
): Promise<Pick<Case, 'forOpa' | 'pathOf'>> {
  if (source.kind === 'bundle') {
    const files = await readBundleFiles(source.path);
    const hasRules =
      [...files.keys()].some((name) => name.endsWith('.rego')) &&
      readManifest(source.path, files.get('.manifest')).wasm.length === 0;
    const without = 'the bundle holds what was compiled, and not its Rego';
    return {
      forOpa: hasRules ? { entrypoint, source: { kind: 'bundle', path: source.path } } : { without },
      pathOf: (file) => file,
    };
  }
  const { paths } = await readSources(source.paths, 'policy');
  const data = join(folder, 'data.json');
  writeFileSync(data, wholeText(bundle.data));
  return {
    forOpa: { entrypoint, source: { kind: 'files', rego: [...paths.values()], data } },
    pathOf: (file) => nearPath(paths.get(file) ?? file, io.cwd),
  };
}
