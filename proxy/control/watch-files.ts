import { stat } from 'node:fs/promises';
import { pathsBelow } from '../../policy/paths-below.ts';

/** How soon a change is noticed. */
const intervalMs = 400;

export type FileWatch = {
  /**
   * The files that the newest attempt to load depends on, whether it succeeds or not. Resolves to whether some are new:
   * then what was read of them before may be older than what they are compared with from here on.
   */
  readonly follow: (paths: readonly string[]) => Promise<boolean>;
  readonly stop: () => void;
};

/**
 * Calls back when one of the files, or anything below one of the folders, changes. It compares what `stat` says instead
 * of asking the kernel for events: those do not come through symbolic links that are swapped (Kubernetes volumes), from
 * network file systems, or for a file that is replaced by `rename`, and all three are how configuration arrives.
 *
 * It calls back once at the start too: what changed between the first reading and the first look has no other witness.
 */
export function watchFiles(paths: readonly string[], changed: () => void): FileWatch {
  let followed: ReadonlySet<string> = new Set(paths);
  const known = new Map<string, string>();
  let isFirst = true;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const looked = await Promise.all([...followed].map(async (path) => [path, await signature(path)] as const));
    if (stopped) return;
    const isChanged = looked.some(([path, now]) => known.has(path) && known.get(path) !== now);
    for (const [path, now] of looked) if (followed.has(path)) known.set(path, now);
    if (isChanged || isFirst) changed();
    isFirst = false;
    timer = setTimeout(() => void look(), intervalMs).unref();
  };
  void look();
  return {
    // What was followed before keeps what is known of it: it may have changed since the attempt has read it.
    follow: async (next) => {
      followed = new Set(next);
      for (const path of known.keys()) if (!followed.has(path)) known.delete(path);
      const added = next.filter((path) => !known.has(path));
      for (const path of added) known.set(path, await signature(path));
      return added.length > 0;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function signature(path: string): Promise<string> {
  const below = await pathsBelow(path).catch(() => []);
  const all = await Promise.all([path, ...below].map(identity));
  return all.sort((a, b) => (a < b ? -1 : 1)).join('\n');
}

async function identity(path: string): Promise<string> {
  try {
    const { dev, ino, mtimeNs, ctimeNs, size } = await stat(path, { bigint: true });
    return `${path} ${dev}:${ino}:${mtimeNs}:${ctimeNs}:${size}`;
  } catch (cause) {
    return `${path} ${(cause as NodeJS.ErrnoException).code}`;
  }
}
