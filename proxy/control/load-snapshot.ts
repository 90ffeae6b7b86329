import { readFile } from 'node:fs/promises';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';
import { type DenylistData, readDenylist } from '../../certs/denylist.ts';
import type { Config } from '../config/config.ts';
import { configInvalid } from '../config/config-invalid.ts';
import type { SchemasAre } from '../config/file-checks.ts';
import { loadConfig } from '../config/load-config.ts';
import type { World } from '../config/world.ts';
import type { IntrospectionSecrets } from '../fetch/introspection.ts';
import { loadPolicy, type PolicyBuild } from '../load-policy.ts';
import type { Given } from './given.ts';
import { type Rules, type SnapshotData, schemaFiles, snapshotData } from '../snapshot-data.ts';

export type LoadedFile = { readonly config: Config; readonly watched: readonly string[] };

/** Throws ProxyError `config-invalid` with every problem of the file. */
export async function loadConfigFile(
  file: string,
  world: World,
  cwd: string,
  schemas?: SchemasAre,
): Promise<LoadedFile> {
  const loaded = await loadConfig(file, world, schemas);
  if (!loaded.ok) throw configInvalid(loaded.problems, cwd);
  return loaded;
}

/** The policy compiled, in a child process, and the schemas as text for each data thread to compile. Throws PolicyError. */
export async function loadRules(config: Config, build: PolicyBuild): Promise<Rules> {
  const policy = await loadPolicy(config.policy, build);
  return { config, policy, schemas: await schemaTexts(config), policyBad: undefined };
}

export function schemaTexts(config: Config): Promise<Rules['schemas']> {
  return textsOf(schemaFiles(config));
}

/** Everything that requests will be judged by, the keys of issuers as text too. Throws CertsError. */
export async function loadSnapshot(rules: Rules, { trust, lists, fetchedKeys }: Given): Promise<SnapshotData> {
  const { config } = rules;
  const jwks = new Map([...(await textsOf(keyFiles(config))), ...fetchedKeys]);
  const introspection = await introspectionSecrets(config);
  const denylist = await readDenylistFile(config);
  return snapshotData({ ...rules, jwks, introspection, denylist, trust, lists });
}

/** Every file with public keys of tokens. */
export function keyFiles({ issuers, loadBalancers }: Config): readonly string[] {
  const ofIssuers = issuers.flatMap(({ keys }) => (keys.kind === 'file' ? [keys.file] : []));
  return [...ofIssuers, ...(loadBalancers?.jwtBundles ?? []).flatMap(({ file }) => (file === undefined ? [] : [file]))];
}

/** Throws CertsError for a secret that others can read by now. */
async function introspectionSecrets({ issuers, fetch }: Config): Promise<ReadonlyMap<string, IntrospectionSecrets>> {
  const read = issuers.map(async ({ name, introspection }) => {
    if (introspection === undefined) return [];
    const caFile = introspection.caFile ?? fetch.caFile;
    const rootsPem = caFile === undefined ? undefined : await readFile(caFile, 'latin1');
    return [[name, { clientSecret: await readPassphrase(introspection.clientSecretFile), rootsPem }] as const];
  });
  return new Map((await Promise.all(read)).flat());
}

/** Throws CertsError: it may have changed since the configuration was checked. */
export async function readDenylistFile({ denylistFile: file }: Config): Promise<DenylistData | undefined> {
  if (file === undefined) return undefined;
  const denylist = { file, text: await readFile(file, 'utf8') };
  readDenylist(denylist);
  return denylist;
}

async function textsOf(files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)));
}
