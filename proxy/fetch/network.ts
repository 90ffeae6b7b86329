import { readFile } from 'node:fs/promises';
import type { Algorithms } from '../../certs/approved.ts';
import type { FetchConfig } from '../config/config.ts';
import { type AddressJudge, judgeAddresses } from './addresses.ts';

/** Where may be asked, and whom to believe that it is there. */
export type Network = {
  readonly config: FetchConfig;
  readonly mayAsk: AddressJudge;
  /** PEM of the roots for https; undefined for those that Node brings along. */
  readonly rootsPem: string | undefined;
  /** Of the connections. */
  readonly algorithms: Algorithms;
};

export async function openNetwork(config: FetchConfig, algorithms: Algorithms = 'strong'): Promise<Network> {
  const rootsPem = config.caFile === undefined ? undefined : await readFile(config.caFile, 'latin1');
  return { config, mayAsk: judgeAddresses(config.allow), rootsPem, algorithms };
}

/** Two that say the same have the same. */
export function networkKey({ config, rootsPem }: Network): readonly unknown[] {
  return [config.allow, rootsPem];
}
