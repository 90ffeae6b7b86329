import { dirname, resolve } from 'node:path';
import { bundleEndpointOf } from './bundle-endpoint-options.ts';
import type { Complain } from './checks.ts';
import { readConfigText } from './config-text.ts';
import { locate } from './draft.ts';
import { checkFiles } from './file-checks.ts';
import { deepFreeze } from './freeze.ts';
import { type ConfigProblem, inReadingOrder } from './problem.ts';
import { beginReading } from './shape.ts';
import { checkWorkloadApi } from './workload-api-checks.ts';
import type { ServedWorkloadApiConfig } from './workload-api-config.ts';
import { workloadApiOptions, type WorkloadApiSettings } from './workload-api-options.ts';
import type { World } from './world.ts';
import { parseYaml } from './yaml-document.ts';

export type LoadedWorkloadApi =
  | { readonly ok: true; readonly config: ServedWorkloadApiConfig }
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
    checkWorkloadApi(settings, complain);
  }
  const problems = [...reading.problems, ...(await checkFiles(path, reading.references, world))];
  if (settings === undefined || problems.length > 0) return { ok: false, problems: inReadingOrder(problems, path) };
  return { ok: true, config: configOf(settings) };
}

function configOf({ sockets, audit, ...settings }: WorkloadApiSettings): ServedWorkloadApiConfig {
  return deepFreeze({
    trustDomain: settings.trust_domain,
    stateFolder: settings.state,
    ca: {
      svidLifetimeMs: settings.svid_lifetime,
      keyAlgorithm: settings.key,
      passphraseFile: settings.passphrase_file,
    },
    jwtSvidLifetimeMs: settings.jwt_svid_lifetime,
    sockets: sockets.map(({ path, svids }) => ({
      path,
      svids: svids.map(({ spiffe_id: spiffeId, hint, dns_names: dnsNames }) => ({ spiffeId, hint, dnsNames })),
    })),
    bundleEndpoint: bundleEndpointOf(settings.bundle_endpoint),
    audit: { folder: audit.folder, mode: audit.mode, segmentBytes: audit.segment },
  });
}
