import { dirname, resolve } from 'node:path';
import type { Complain } from './checks.ts';
import { readConfigText } from './config-text.ts';
import { type Draft, locate } from './draft.ts';
import { checkRoots } from './crl-checks.ts';
import { checkFederation, checkFederationFiles, federationOf } from './federation-checks.ts';
import { checkFiles } from './file-checks.ts';
import { deepFreeze } from './freeze.ts';
import { type ConfigProblem, inReadingOrder } from './problem.ts';
import { beginReading } from './shape.ts';
import { checkServed, servedOf } from './workload-api-checks.ts';
import type { WorkloadApiFileConfig } from './workload-api-config.ts';
import { workloadApiOptions, type WorkloadApiSettings } from './workload-api-options.ts';
import type { World } from './world.ts';
import { parseYaml } from './yaml-document.ts';

export type LoadedWorkloadApi =
  | { readonly ok: true; readonly config: WorkloadApiFileConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads the configuration of `portcullis workload-api`, and finds all its problems in one go. */
export async function loadWorkloadApi(file: string, world: World): Promise<LoadedWorkloadApi> {
  const path = resolve(file);
  const text = await readConfigText(path, world);
  if (typeof text !== 'string') return { ok: false, problems: [text] };
  const { root, problems: malformed } = parseYaml(text);
  const reading = beginReading(path, (name) => resolve(dirname(path), name));
  for (const { at, message } of malformed) reading.report(at, [], message);
  const settings = root === undefined ? undefined : workloadApiOptions.read(root, [], reading);
  if (root !== undefined && settings !== undefined) {
    const complain: Complain = (key, message, advice) => reading.report(locate(root, key), key, message, advice);
    const { trust_domain: domain, state, audit, federation, fetch }: Draft<WorkloadApiSettings> = settings;
    const closed = [
      [state, '`state`, where the keys of the CA are'],
      [audit?.folder, '`audit.folder`'],
    ] as const;
    checkServed({ settings, domain, federation, closed }, [], complain);
    checkFederation(federation, new Map([[domain, 'our own trust domain']]), complain);
    await checkFederationFiles(federation, undefined, world, complain);
    await checkRoots(fetch?.ca, undefined, world, (message) => complain(['fetch', 'ca'], message));
  }
  const problems = [...reading.problems, ...(await checkFiles(path, reading.references, world, 'compiled'))];
  if (settings === undefined || problems.length > 0) return { ok: false, problems: inReadingOrder(problems, path) };
  return { ok: true, config: configOf(settings) };
}

function configOf({ audit, federation, fetch, ...settings }: WorkloadApiSettings): WorkloadApiFileConfig {
  return deepFreeze({
    ...servedOf(settings),
    trustDomain: settings.trust_domain,
    stateFolder: settings.state,
    ca: {
      svidLifetimeMs: settings.svid_lifetime,
      keyAlgorithm: settings.key,
      passphraseFile: settings.passphrase_file,
    },
    federation: federation.map(federationOf),
    fetch: { allow: fetch.allow, caFile: fetch.ca },
    audit: { folder: audit.folder, mode: audit.mode, segmentBytes: audit.segment },
  });
}
