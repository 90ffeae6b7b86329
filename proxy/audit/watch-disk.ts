import fs from 'node:fs';
import type { Log } from '../telemetry/log.ts';
import type { AuditStream } from './stream.ts';

/** The share that FedRAMP gives AU-5(1); said again only after there was clearly less. */
const warnedFrom = 0.75;
const clearedBelow = 0.7;

const lookEachMs = 1000;

type Told = {
  readonly audit: Pick<AuditStream, 'append'>;
  readonly log: Log;
  /** Told at each look, how much of the disk is used: from 0 to 1. */
  readonly used?: (share: number) => void;
};

/** Warns while there is time: records are lost only once the disk is full. Answers how to stop. */
export function watchDisk(folder: string, { audit, log, used }: Told, eachMs = lookEachMs): () => void {
  let warned = false;
  const look = () => {
    const share = usedShare(folder);
    if (share === undefined) return;
    used?.(share);
    if (share < clearedBelow) warned = false;
    if (share < warnedFrom || warned) return;
    warned = true;
    const detail = `the disk below ${folder} is ${Math.floor(share * 100)} % full`;
    audit.append({ kind: 'control', type: 'audit.degraded', reason: 'nearly-full', detail });
    log.warn('audit.nearly-full', { statement: detail });
  };
  look();
  const timer = setInterval(look, eachMs).unref();
  return () => clearInterval(timer);
}

/** As `df` counts: what only root may fill is not there for us. Undefined while the folder is gone, which its streams tell of. */
function usedShare(folder: string): number | undefined {
  try {
    const { blocks, bfree, bavail } = fs.statfsSync(folder);
    const used = blocks - bfree;
    return used + bavail === 0 ? undefined : used / (used + bavail);
  } catch {
    return undefined;
  }
}
