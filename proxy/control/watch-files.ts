import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How soon a change is noticed. */
const intervalMs = 400;

export type FileWatch = {
  /** The files a newer configuration depends on. */
  readonly follow: (paths: readonly string[]) => void;
  readonly stop: () => void;
};

/**
 * Calls back when one of the files, or anything below one of the folders, changes. It compares what `stat` says instead
 * of asking the kernel for events: those do not come through symbolic links that are swapped (Kubernetes volumes), from
 * network file systems, or for a file that is replaced by `rename`, and all three are how configuration arrives.
 */
export function watchFiles(paths: readonly string[], changed: () => void): FileWatch {
  let followed = paths;
  let known: string | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const looked = followed;
    const now = (await Promise.all(looked.map(signature))).join('\n');
    if (stopped) return;
    const before = known;
    known = looked === followed ? now : undefined;
    if (before !== undefined && known !== undefined && before !== now) changed();
    timer = setTimeout(() => void look(), intervalMs).unref();
  };
  void look();
  return {
    follow: (next) => {
      if (next.join('\n') === followed.join('\n')) return;
      followed = next;
      known = undefined;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function signature(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    const own = `${path} ${found.dev}:${found.ino}:${found.mtimeNs}:${found.ctimeNs}:${found.size}`;
    if (!found.isDirectory()) return own;
    const names = (await readdir(path)).toSorted();
    return [own, ...(await Promise.all(names.map((name) => signature(join(path, name)))))].join('\n');
  } catch (cause) {
    return `${path} ${(cause as NodeJS.ErrnoException).code}`;
  }
}
