import { readFile } from 'node:fs/promises';
import type { FetchConfig } from '../config/config.ts';
import { type AddressJudge, judgeAddresses } from './addresses.ts';

/** Where may be asked, and whom to believe that it is there. */
export type Network = {
  readonly config: FetchConfig;
  readonly mayAsk: AddressJudge;
  /** PEM of the roots for https; undefined for those that Node brings along. */
  readonly rootsPem: string | undefined;
};

export async function openNetwork(config: FetchConfig): Promise<Network> {
  const rootsPem = config.caFile === undefined ? undefined : await readFile(config.caFile, 'latin1');
  return { config, mayAsk: judgeAddresses(config.allow), rootsPem };
}

/** Two that say the same have the same. */
export function networkKey({ config, rootsPem }: Network): readonly unknown[] {
  return [config.allow, rootsPem];
}
