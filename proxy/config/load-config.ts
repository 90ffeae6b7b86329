import { dirname, resolve } from 'node:path';
import { checkSettings } from './checks.ts';
import { checkCrls } from './crl-checks.ts';
import type { Complain } from './checks.ts';
import { configFromSettings, policyFromSettings } from './config-from-settings.ts';
import type { Config, PolicyConfig } from './config.ts';
import { locate } from './draft.ts';
import type { Draft } from './draft.ts';
import { readConfigText } from './config-text.ts';
import { checkFederatedRoutes } from './federated-routes.ts';
import { checkFederation, checkFederationFiles } from './federation-checks.ts';
import { checkFiles, type SchemasAre } from './file-checks.ts';
import { checkIdentity, checkServedInside, ownDomains } from './identity-checks.ts';
import { checkIntrospectionRoots, checkIssuers, checkKeysFit } from './issuer-checks.ts';
import { checkLoadBalancers } from './load-balancer-checks.ts';
import { options } from './options.ts';
import type { Settings } from './options.ts';
import { inReadingOrder } from './problem.ts';
import type { ConfigProblem, Path, Position } from './problem.ts';
import { checkPathSchemas } from './path-schema-checks.ts';
import { checkProfile } from './profile-checks.ts';
import { checkRoutes } from './route-checks.ts';
import { beginReading } from './shape.ts';
import type { FileReference, Reading } from './shape.ts';
import type { World } from './world.ts';
import { parseYaml } from './yaml-document.ts';
import type { YamlNode } from './yaml-document.ts';
import { checkWorkloadTls } from './workload-checks.ts';

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly watched: Watched;
      readonly locate: Locate;
    }
  | {
      readonly ok: false;
      readonly problems: readonly ConfigProblem[];
      /** What may cure it. */
      readonly watched: Watched;
      /** The policy section when it has no problem of its own, so that compiling it can find more. */
      readonly policy: PolicyConfig | undefined;
      readonly locate: Locate;
    };

/** Every file and folder whose change changes what the configuration means; the file itself comes first. */
type Watched = readonly string[];

/** Where a key stands in the file, for whoever finds out later that its value does not work. */
export type Locate = (path: Path) => Position;

const START = { line: 1, column: 1 };

/**
 * Reads a configuration and everything it names. It finds all problems in one go, so that nobody corrects one to be
 * shown the next; only a text that is no YAML at all hides what else is wrong with it.
 */
export async function loadConfig(file: string, world: World, schemas: SchemasAre = 'compiled'): Promise<LoadedConfig> {
  const path = resolve(file);
  const text = await readConfigText(path, world);
  if (typeof text !== 'string') {
    return { ok: false, problems: [text], watched: [path], policy: undefined, locate: () => START };
  }
  const { root, problems: malformed } = parseYaml(text);
  const reading = beginReading(path, (name) => resolve(dirname(path), name));
  for (const { at, message } of malformed) reading.report(at, [], message);
  const settings = root === undefined ? undefined : options.read(root, [], reading);
  if (root !== undefined && settings !== undefined) checkAcross(settings, root, reading, world);
  const where: Locate = (key) => (root === undefined ? START : locate(root, key));
  if (root !== undefined && settings !== undefined) {
    await checkPathSchemas(settings.routes ?? [], world, complaintsOf(root, reading));
    await checkKeysFit(settings.issuers, world, complaintsOf(root, reading));
    await checkIntrospectionRoots(settings, world, complaintsOf(root, reading));
    await checkCrls(settings, world, complaintsOf(root, reading));
    await checkFederationFiles(settings.federation, settings.profile, world, complaintsOf(root, reading));
  }
  const problems = [...reading.problems, ...(await checkFiles(path, reading.references, world, schemas))];
  const watched = Object.freeze([...new Set([path, ...reading.references.filter(isWatched).map((one) => one.file)])]);
  if (settings === undefined || problems.length > 0) {
    const policy = policyFromSettings(settings ?? {}, problems);
    return { ok: false, problems: inReadingOrder(problems, path), watched, policy, locate: where };
  }
  return { ok: true, config: configFromSettings(path, settings, world), watched, locate: where };
}

function checkAcross(settings: Settings, root: YamlNode, reading: Reading, world: World): void {
  const draft: Draft<Settings> = settings;
  const complain = complaintsOf(root, reading);
  checkSettings(draft, world.firstFreePort, complain);
  checkProfile(draft, complain);
  checkIdentity(draft.identity, world.spiffeEndpoint, complain);
  checkServedInside(draft, complain);
  checkFederation(draft.federation ?? [], ownDomains(draft.identity), complain);
  checkFederatedRoutes(draft, complain);
  checkIssuers(draft, complain);
  checkLoadBalancers(draft, complain);
  checkWorkloadTls(draft, complain);
  checkRoutes(draft.routes ?? [], draft.workload?.max_response, complain);
}

function complaintsOf(root: YamlNode, reading: Reading): Complain {
  return (path, message, advice) => reading.report(locate(root, path), path, message, advice);
}

/** The folders hold what the proxy itself writes; the files of an identity are watched by what reads them. */
function isWatched({ use }: FileReference): boolean {
  return use !== 'folder' && use !== 'private-folder' && use !== 'identity';
}
