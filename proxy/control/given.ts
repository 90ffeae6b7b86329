import type { Config } from '../config/config.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { There } from './fetched.ts';
import type { Identity } from './identity.ts';

/** What does not stand in files that the configuration names: whom to trust, and what was fetched. */
export type Given = Pick<SnapshotData, 'trust' | 'lists'> & {
  /** Text of the JWK sets that are there: fetched, by the name of their issuer, and sent by the agent of our identity, by `jwtBundleKey`. */
  readonly fetchedKeys: ReadonlyMap<string, string>;
};

type Givers = { readonly fetched: There; readonly identity: Pick<Identity, 'trust' | 'jwtBundles'> };

/** As it is now. Throws CertsError. */
export async function givenNow({ fetched, identity }: Givers, config: Config): Promise<Given> {
  const trust = fetched.trust(config, identity.trust());
  return { trust, lists: await fetched.lists(config), fetchedKeys: givenKeys({ fetched, identity }, config) };
}

export function givenKeys({ fetched, identity }: Givers, config: Config): Given['fetchedKeys'] {
  return new Map([...fetched.keys(config), ...identity.jwtBundles(config)]);
}
