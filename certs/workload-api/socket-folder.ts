import { lstat, mkdir, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CertsError } from '../errors.ts';

const othersMayEnter = 0o007;
const groupMayEnter = 0o010;
const othersMayWrite = 0o022;
const sticky = 0o1000;
/** As many as the kernel follows. */
const maxLinks = 40;

/** The group that may enter besides the owner; undefined when nobody may. */
export type Door = { readonly group: number | undefined };

/**
 * Who reaches the socket is taken for its workload, so the folder of the socket is the door: ours, closed to everybody but one
 * group, and without a way to put another socket in its place. Created with mode 0700 when it is missing. Throws CertsError.
 */
export async function openSocketFolder(folder: string): Promise<Door> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new CertsError('socket-unusable', `${folder} cannot be created: ${reason(cause)}`, { cause });
  });
  return checkSocketFolder(folder);
}

/** As it stands now: somebody may have opened it since. Throws CertsError. */
export async function checkSocketFolder(folder: string): Promise<Door> {
  await checkWay(folder, 0);
  const { mode, gid } = await look(() => stat(folder), folder);
  if ((mode & othersMayEnter) !== 0) {
    throw exposed(`${folder} has mode ${octal(mode)}: any user of this machine could be the workload`);
  }
  if ((mode & othersMayWrite) !== 0) {
    throw exposed(`${folder} has mode ${octal(mode)}: its group could put another socket there`);
  }
  return { group: (mode & groupMayEnter) === 0 ? undefined : gid };
}

/** Whoever may rename a folder on the way, or a link, leads the workload to a socket of his own. */
async function checkWay(path: string, links: number): Promise<void> {
  if (links > maxLinks) throw new CertsError('socket-unusable', `${path}: too many symbolic links`);
  const parent = dirname(path);
  if (parent !== path) await checkWay(parent, links);
  const found = await look(() => lstat(path), path);
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) throw exposed(`${path} belongs to user ${found.uid}`);
  if (found.isSymbolicLink()) {
    const target = await look(() => readlink(path), path);
    return checkWay(resolve(parent, target), links + 1);
  }
  if (!found.isDirectory()) throw new CertsError('socket-unusable', `${path} is not a folder`);
  // In /tmp others may write, but not touch what is not theirs.
  if ((found.mode & othersMayWrite) !== 0 && (found.mode & sticky) === 0) {
    throw exposed(`${path} has mode ${octal(found.mode)}: others could exchange what is in it`);
  }
}

async function look<T>(question: () => Promise<T>, path: string): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw new CertsError('socket-unusable', `${path}: ${reason(cause)}`, { cause });
  }
}

function exposed(message: string): CertsError {
  return new CertsError('socket-folder-exposed', message);
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
