import { readFile } from 'node:fs/promises';
import { CertsError } from '../../certs/errors.ts';
import type { BundleFileConfig } from '../config/federation-config.ts';
import { type FederatedBundle, withDigest } from './federated-bundles.ts';
import { readBundleFile } from './read-bundle.ts';

export type BundleFiles = {
  /** What was good last in this file, for this trust domain. */
  readonly get: (entry: BundleFileConfig) => FederatedBundle | undefined;
  /** Reads them anew. Throws for one that is no good, which stays as it was; by then the others have been read. */
  readonly read: (entries: readonly BundleFileConfig[]) => Promise<void>;
};

/** Bundles that stand in files. Of a configuration that was refused nothing is forgotten: the one before is in force again. */
export function openBundleFiles(): BundleFiles {
  const known = new Map<string, FederatedBundle>();
  const key = ({ trustDomain, file }: BundleFileConfig) => `${trustDomain} ${file}`;
  const readOne = async (entry: BundleFileConfig) => {
    const bytes = await readFile(entry.file);
    known.set(key(entry), withDigest(naming(entry.file, () => readBundleFile(bytes, entry.trustDomain))));
  };
  return {
    get: (entry) => known.get(key(entry)),
    read: async (entries) => {
      const problem = (await Promise.allSettled(entries.map(readOne))).find(({ status }) => status === 'rejected');
      if (problem?.status === 'rejected') throw problem.reason;
    },
  };
}

function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CertsError) throw new CertsError(cause.code, `${file}: ${cause.message}`, { cause });
    throw cause;
  }
}
