import { dirname } from 'node:path';
import { CertsError } from '../errors.ts';
import type { JwtAuthority } from '../jwt-svid.ts';
import type { SvidMaterial } from '../sources/svid-source.ts';
import { callRate } from './call-rate.ts';
import type { Delivery, WorkloadApiEvent } from './events.ts';
import type { HeldSvid, KeptSvid, Watcher } from './kept-svid.ts';
import { RefusedCall } from './refused-call.ts';
import type { ServedTrust } from './served-trust.ts';
import { checkSocketFolder } from './socket-folder.ts';

/** What one socket may have, and the one way to have it. */
export type ServedSocket = {
  /** In the order of the configuration: the first is the default. */
  readonly svids: readonly KeptSvid[];
  readonly trust: ServedTrust;
  readonly tokens: TokenGrant;
  /** Runs a call whose socket is still closed to others, and gives every failure its record and its status. */
  readonly guard: <T>(method: string, work: () => Promise<T>) => Promise<T>;
  /** For one more question within a call. Throws RefusedCall when there were too many. */
  readonly countQuestion: () => void;
  /** Resolves when it is on record what is handed out. Throws RefusedCall when it cannot be. */
  readonly recorded: (delivery: Delivery) => Promise<void>;
};

export type TokenGrant = {
  /** Throws CertsError when its key cannot be read. */
  readonly authority: () => Promise<JwtAuthority>;
  readonly lifetimeMs: number;
  readonly now: () => number;
};

export type ServedSocketOptions = Pick<ServedSocket, 'svids' | 'trust' | 'tokens'> & {
  readonly path: string;
  /** False when there is no record of it, and there has to be one. */
  readonly record: (event: WorkloadApiEvent) => Promise<boolean>;
  readonly onBug: (cause: unknown) => void;
};

/** Streams last, so this is how many processes a workload can have. */
const maxCalls = 128;
/** Each call leaves a record: one workload must not fill the disk that the records of all are on. */
const rate = { burst: 256, intervalMs: 10 };

export function servedSocket({ path, svids, trust, tokens, record, onBug }: ServedSocketOptions): ServedSocket {
  let calls = 0;
  let isFlooded = false;
  const mayAsk = callRate(rate, tokens.now);
  const countQuestion = () => {
    const wasFlooded = isFlooded;
    isFlooded = !mayAsk();
    if (isFlooded) throw new Flooded(wasFlooded);
  };
  const admit = async () => {
    countQuestion();
    if (calls > maxCalls) throw new RefusedCall('RESOURCE_EXHAUSTED', `more than ${maxCalls} calls at once`);
    await checkSocketFolder(dirname(path));
  };
  return {
    svids,
    trust,
    tokens,
    countQuestion,
    guard: async (method, work) => {
      calls++;
      try {
        await admit();
        return await work();
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === undefined) onBug(error);
        else if (!(error instanceof Flooded && error.isKnown)) {
          await record({ type: 'svid.refuse', socket: path, method, ...refusal });
        }
        throw error instanceof CertsError ? unavailable(error) : error;
      } finally {
        calls--;
      }
    },
    recorded: async (delivery) => {
      if (await record({ ...delivery, socket: path })) return;
      throw new RefusedCall('UNAVAILABLE', 'there is no record of it: audit-unavailable');
    },
  };
}

/** On record once, and not each time: the records are what it would fill. */
class Flooded extends RefusedCall {
  readonly isKnown: boolean;

  constructor(isKnown: boolean) {
    super('RESOURCE_EXHAUSTED', 'more questions than 100 in a second');
    this.isKnown = isKnown;
  }
}

function refusalOf(error: unknown) {
  return error instanceof RefusedCall || error instanceof CertsError
    ? { code: error.code, message: error.message }
    : undefined;
}

/** The message names files of ours, which are none of the caller's business. */
function unavailable(cause: CertsError): RefusedCall {
  const code = cause.code === 'socket-folder-exposed' ? 'PERMISSION_DENIED' : 'UNAVAILABLE';
  return new RefusedCall(code, `the Workload API cannot serve this now: ${cause.code}`, { cause });
}

/** What is said of an SVID that is handed out by a method. */
export function delivery(method: string, { spiffeId, serial, notAfterMs }: SvidMaterial): Delivery {
  return { type: 'svid.deliver', method, spiffeId, serial, notAfterMs };
}

/** All or none. */
export async function watchEach(svids: readonly KeptSvid[], watcher: Watcher): Promise<readonly HeldSvid[]> {
  const outcomes = await Promise.allSettled(svids.map((svid) => svid.watch(watcher)));
  const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return held;
  for (const { release } of held) release();
  throw failed.reason;
}
