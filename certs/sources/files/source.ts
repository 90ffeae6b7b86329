import type { Algorithms } from '../../approved.ts';
import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import type { TrustBundleData } from '../../trust-bundle.ts';
import { audience } from '../audience.ts';
import { type Complaint, createComplaints } from '../complaints.ts';
import type { IdentityEvent } from '../events.ts';
import { isSameSvid } from '../own-svid.ts';
import { afterDelay, type Schedule } from '../schedule.ts';
import type { SvidMaterial, SvidSource } from '../svid-source.ts';
import { type Judged, judgeFiles } from './judge.ts';
import { asError, type FileProblem, problemText, type SvidFiles } from './problem.ts';
import { readTogether } from './read.ts';

export type FilesSourceOptions = {
  readonly files: SvidFiles;
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  /** After which share of its life an SVID without a successor is warned of. */
  readonly overdueShare: number;
  /** Of the SVID and its issuers; `strong` unless it is given. */
  readonly algorithms?: Algorithms | undefined;
  readonly now: () => number;
  readonly onEvent?: (event: IdentityEvent) => void;
  readonly schedule?: Schedule;
};

export type FilesSource = SvidSource & {
  /** The newest bundle that was good. */
  readonly trust: () => TrustBundleData;
  /** To be called when one of the files has changed; what is good in them is in use when the promise resolves. */
  readonly lookAgain: () => Promise<void>;
  /** Calls when the source has found another bundle by itself, and not for `lookAgain`; answers how to stop. */
  readonly watchTrust: (changed: () => void) => () => void;
};

/** Who writes three files one after the other is given this long to finish before anybody hears of a mismatch. */
const settleMs = 1000;
/** What is refused may become good by time alone, in a moment or late: no descriptors, an SVID whose issuer's clock is ahead. */
const maxRetryMs = 30_000;

/**
 * An SVID and a trust bundle that another program keeps in files. A pair that is not good is never published: the one
 * in use stays, and its owner is told why. The bundle does not wait for the SVID, since a root that is taken out must
 * not be trusted until some other file is mended. Throws CertsError when there is no good identity to begin with.
 */
export async function filesSource(options: FilesSourceOptions): Promise<FilesSource> {
  const { overdueShare, schedule = afterDelay } = options;
  const { subscribe, tell, forget } = audience();
  const held = await firstOf(options);
  const complaints = createComplaints(options.onEvent, () => held.svid);
  const publish = (svid: SvidMaterial) => {
    const previousSerial = held.svid.serial;
    held.svid = svid;
    const { spiffeId, serial, notAfterMs } = svid;
    options.onEvent?.({ type: 'identity.rotate', spiffeId, previousSerial, serial, notAfterMs });
    tell(svid);
  };
  const trustWatchers = new Set<() => void>();
  let closed = false;
  let last: Promise<void> = Promise.resolve();
  const inTurn = (task: () => Promise<void>) => (last = last.then(task, task));
  const plan = nextLook(schedule, () => void inTurn(() => look(true)));
  const look = async (isSettled: boolean) => {
    const { svid, bundle = held.bundle, problems } = await read(options, held.bundle);
    if (closed) return;
    const isOther = JSON.stringify(bundle) !== JSON.stringify(held.bundle);
    held.bundle = bundle;
    if (svid !== undefined && !isSameSvid(svid, held.svid)) publish(svid);
    // Who has asked for the look reads the trust after it.
    if (isOther && isSettled) for (const changed of trustWatchers) changed();
    const found = problems.map(complaintOf);
    if (isSettled || found.length === 0) complaints.tell(found);
    plan(found.length === 0 ? undefined : complaints.areTold(found) ? 'retry' : 'settle');
  };
  return {
    current: () => held.svid,
    overdueFromMs: () => held.svid.notBeforeMs + (held.svid.notAfterMs - held.svid.notBeforeMs) * overdueShare,
    trust: () => held.bundle,
    lookAgain: () => inTurn(() => look(false)),
    subscribe,
    watchTrust: (changed) => {
      trustWatchers.add(changed);
      return () => void trustWatchers.delete(changed);
    },
    close: () => {
      closed = true;
      plan(undefined);
      forget();
      trustWatchers.clear();
    },
  };
}

/**
 * When to look again without being told that something has changed. The same plan again changes nothing: who writes
 * without end must not put off the complaint for ever.
 */
function nextLook(schedule: Schedule, look: () => void) {
  let planned: 'settle' | 'retry' | undefined;
  let retryMs = 2 * settleMs;
  let cancel = () => {};
  return (next: typeof planned) => {
    if (next === undefined) retryMs = 2 * settleMs;
    if (next === planned) return;
    cancel();
    planned = next;
    if (next === undefined) return;
    const delayMs = next === 'settle' ? settleMs : retryMs;
    if (next === 'retry') retryMs = Math.min(2 * retryMs, maxRetryMs);
    cancel = schedule(delayMs, () => {
      planned = undefined;
      look();
    });
  };
}

/** Everything that is wrong with the files, without using them. */
export async function problemsOfFiles(options: FilesSourceOptions): Promise<readonly FileProblem[]> {
  return (await read(options, undefined)).problems;
}

async function read(options: FilesSourceOptions, inForce?: TrustBundleData) {
  const { files, spiffeId, trustDomain, algorithms, now } = options;
  const expected = { files, spiffeId, trustDomain, algorithms, nowMs: now(), bundleInForce: inForce };
  return judgeFiles(await readTogether(files), expected);
}

type Held = { svid: SvidMaterial; bundle: TrustBundleData };

async function firstOf(options: FilesSourceOptions): Promise<Held> {
  const { svid, bundle, problems }: Judged = await read(options, undefined);
  const [first, ...more] = problems;
  if (first !== undefined) throw asError([first, ...more]);
  if (svid === undefined || bundle === undefined) throw new TypeError('files without a problem hold an identity');
  return { svid, bundle };
}

function complaintOf(problem: FileProblem): Complaint {
  return { about: problem.part === 'bundle' ? 'bundle' : 'svid', code: problem.code, message: problemText(problem) };
}
