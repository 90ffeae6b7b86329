import { trustDomainOf } from '../../certs/spiffe-id.ts';
import { readBundle, readBundleFile } from '../fetch/read-bundle.ts';
import type { Complain } from './checks.ts';
import type { FederationConfig } from './federation-config.ts';
import { bytesOf, checkRoots, orComplain } from './crl-checks.ts';
import type { Draft } from './draft.ts';
import { MAX_SPIFFE_BUNDLE_BYTES } from './file-checks.ts';
import type { federationOptions } from './federation-options.ts';
import type { Settings as TopSettings } from './options.ts';
import type { Values } from './section.ts';
import type { World } from './world.ts';

type Settings = Values<ReturnType<typeof federationOptions>['fields']>;
type Entries = readonly (Draft<Settings> | undefined)[];

export function federationOf(settings: Settings): FederationConfig {
  const { trust_domain: domain, url = '', bundle, ca: caFile, endpoint_spiffe_id: id, bootstrap } = settings;
  if (bundle !== undefined) return { kind: 'file', trustDomain: domain, file: bundle };
  return {
    kind: 'url',
    trustDomain: domain,
    url,
    server:
      id === undefined || bootstrap === undefined
        ? { kind: 'web', caFile }
        : { kind: 'spiffe', spiffeId: id, bootstrapFile: bootstrap },
    refreshMs: settings.refresh,
    maxAgeMs: settings.max_age,
  };
}

/** What no single key of `federation` can show. `taken`: domains that have their bundle from elsewhere, and from where. */
export function checkFederation(
  entries: Entries,
  taken: ReadonlyMap<string | undefined, string>,
  complain: Complain,
): void {
  const domains = entries.map((entry) => entry?.trust_domain);
  entries.forEach((entry, index) => {
    const wrong = (key: keyof Settings, message: string) => complain(['federation', index, key], message);
    const { trust_domain: domain, refresh, max_age: age } = entry ?? {};
    const first = domains.indexOf(domain);
    if (domain !== undefined && first !== index)
      wrong('trust_domain', `\`${domain}\` is that of federation[${first}] already`);
    const elsewhere = domain === undefined ? undefined : taken.get(domain);
    if (elsewhere !== undefined) wrong('trust_domain', `\`${domain}\` is ${elsewhere}`);
    if (refresh !== undefined && age !== undefined && age <= refresh) {
      wrong('max_age', '`max_age` is not longer than `refresh`: the bundle would end in between');
    }
    if (entry !== undefined) checkServer(entry, wrong);
  });
}

function checkServer(entry: Draft<Settings>, wrong: (key: keyof Settings, message: string) => void): void {
  const { trust_domain: domain, profile, ca, endpoint_spiffe_id: id, bootstrap } = entry;
  const isSpiffe = profile === 'https_spiffe';
  const notOf = (other: string) => `is of \`profile: ${other}\``;
  if (profile === undefined) return;
  if (isSpiffe && ca !== undefined) wrong('ca', notOf('https_web'));
  for (const [key, value] of Object.entries({ endpoint_spiffe_id: id, bootstrap }) as [keyof Settings, unknown][]) {
    if (!isSpiffe && value !== undefined) wrong(key, notOf('https_spiffe'));
    if (isSpiffe && value === undefined) wrong(key, 'is required by `profile: https_spiffe`');
  }
  if (isSpiffe && id !== undefined && domain !== undefined && trustDomainOf(id) !== domain) {
    wrong(
      'endpoint_spiffe_id',
      `\`${id}\` is not in the trust domain \`${domain}\`, whose bundle is to authenticate it`,
    );
  }
}

/** Reads what the entries name. That a file is there and how large it is, is looked at where all files are. */
export async function checkFederationFiles(
  entries: Entries,
  profile: Draft<TopSettings>['profile'],
  world: World,
  complain: Complain,
): Promise<void> {
  await Promise.all(
    entries.map(async (entry, index) => {
      const { ca, bootstrap, bundle, trust_domain: domain } = entry ?? {};
      const at = (key: string) => (message: string) => complain(['federation', index, key], message);
      await checkRoots(ca, profile, world, at('ca'));
      if (domain === undefined) return;
      const first = await bytesOf(bootstrap, world, MAX_SPIFFE_BUNDLE_BYTES);
      if (first !== undefined) orComplain(at('bootstrap'), () => readBundle(first, domain));
      const bytes = await bytesOf(bundle, world, MAX_SPIFFE_BUNDLE_BYTES);
      const ofFile = (message: string) => at('bundle')(`${bundle}: ${message}`);
      if (bytes !== undefined) orComplain(ofFile, () => readBundleFile(bytes, domain));
    }),
  );
}
