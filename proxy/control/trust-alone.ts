import type { Config } from '../config/config.ts';
import { type SnapshotData, snapshotData } from '../snapshot-data.ts';
import type { DataPlane } from './data-plane.ts';
import type { Problem } from './data-thread.ts';
import type { There, Fetched } from './fetched.ts';
import { givenKeys } from './given.ts';
import type { Identity } from './identity.ts';
import { keyFiles, readDenylistFile } from './load-snapshot.ts';
import { mayPass } from './may-pass.ts';
import { recordSwap } from './record-swap.ts';
import type { ToldOnce } from './told-once.ts';

type Parts = Parameters<typeof recordSwap>[0] & {
  readonly identity: Pick<Identity, 'trust' | 'jwtBundles'>;
  readonly fetched: There & Pick<Fetched, 'readBundles'>;
  readonly told: ToldOnce;
};

/** What is in force after an attempt, and whether all of it is that could come into force without a file being changed. */
export type Attempted = { readonly inForce: SnapshotData; readonly isWhole: boolean };

/**
 * Whom to trust does not wait for the rest: a revocation takes effect although some other file is broken, and a fresh
 * revocation list replaces one that would expire.
 */
export async function trustAlone(
  parts: Parts,
  plane: Pick<DataPlane, 'swap'>,
  before: SnapshotData,
): Promise<Attempted> {
  let isWhole = true;
  const failed = (cause: unknown) => {
    isWhole &&= !mayPass(cause);
    unreadable(parts, cause);
  };
  try {
    const next = await withTrustOfNow(parts, before, failed);
    if (next.digest === before.digest) return { inForce: before, isWhole };
    const problem = await plane.swap(next);
    if (problem !== undefined) {
      notInForce(parts, before, problem);
      return { inForce: before, isWhole: false };
    }
    recordSwap(parts, before, next);
    return { inForce: next, isWhole };
  } catch (cause) {
    failed(cause);
    return { inForce: before, isWhole };
  }
}

/** Files in which it stands whom the configuration in force trusts. */
export function trustFiles(config: Config): readonly string[] {
  const { denylistFile, crls, federation } = config;
  return [
    ...(denylistFile === undefined ? [] : [denylistFile]),
    ...crls.flatMap((entry) => (entry.kind === 'file' ? [entry.issuerFile, entry.file] : [entry.issuerFile])),
    ...federation.flatMap((entry) => (entry.kind === 'file' ? [entry.file] : [])),
  ];
}

type Failed = (cause: unknown) => void;

async function withTrustOfNow(parts: Parts, before: SnapshotData, failed: Failed): Promise<SnapshotData> {
  const { fetched, identity } = parts;
  const { config } = before;
  const own = await alone(failed, ownTrust(before), async () => identity.trust());
  await alone(failed, undefined, () => fetched.readBundles(config));
  return snapshotData({
    ...before,
    trust: fetched.trust(config, own),
    denylist: await alone(failed, before.denylist, () => readDenylistFile(config)),
    lists: await alone(failed, before.lists, () => fetched.lists(config, { lists: before.lists, failed })),
    jwks: withGiven(before, givenKeys(parts, config)),
  });
}

/** What comes from the source of our own identity. */
function ownTrust({ trust, config: { federation } }: SnapshotData): SnapshotData['trust'] {
  return trust.filter((entry) => !federation.some(({ trustDomain }) => trustDomain === entry.trustDomain));
}

/** Keys that are given now, and those in files as they were. */
function withGiven({ config, jwks }: SnapshotData, given: ReadonlyMap<string, string>): SnapshotData['jwks'] {
  const files = keyFiles(config);
  return new Map([...[...jwks].filter(([key]) => files.includes(key)), ...given]);
}

/** Each part of trust for itself: one that cannot be read stays as it was, and does not hold up the others. */
async function alone<T>(failed: Failed, before: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    failed(cause);
    return before;
  }
}

function unreadable({ log, told }: Parts, cause: unknown): void {
  if (!told.isNews(`trust.unreadable ${String(cause)}`)) return;
  log.error('trust.unreadable', { cause: cause instanceof Error ? cause : String(cause) });
}

function notInForce({ audit, log, told }: Parts, { digest }: SnapshotData, { code, message: detail }: Problem): void {
  const reason = code ?? 'failed';
  if (!told.isNews(`trust.reject ${reason} ${detail}`)) return;
  log.error('trust.reject', { reason, detail, stays: digest });
  audit.append({ kind: 'control', type: 'trust.reject', outcome: 'error', reason, detail, snapshot: digest });
}
