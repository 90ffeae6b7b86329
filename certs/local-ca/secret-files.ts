import { type FileHandle, open, mkdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { CertsError, type CertsErrorCode } from '../errors.ts';
import { systemErrorText } from '../system-error.ts';

const othersMayTouch = 0o077;
const groupMayOnlyRead = 0o037;
const othersMayWrite = 0o022;

/** Creates the folder when it is absent; refuses one that any other user could open. Throws CertsError. */
export async function privateFolder(folder: string): Promise<void> {
  await makeFolder(folder, 'state-folder-unusable');
  await checkPrivateFolder(folder);
}

/** For keys that are handed out: others may look into the folder, but not exchange what is in it. Throws CertsError. */
export async function outputFolder(folder: string): Promise<void> {
  await makeFolder(folder, 'output-unwritable');
  const { mode } = await inspect(folder, 'output-unwritable');
  if ((mode & othersMayWrite) !== 0) {
    throw new CertsError('state-folder-exposed', `${folder} has mode ${octal(mode)}: others can write to it`);
  }
}

async function makeFolder(folder: string, unusable: CertsErrorCode): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CertsError(unusable, `${folder}: ${systemErrorText(cause)}`, { cause });
  }
}

export async function checkPrivateFolder(folder: string): Promise<void> {
  const { mode, uid, isFolder } = await inspect(folder, 'state-folder-unusable');
  if (!isFolder) throw new CertsError('state-folder-unusable', `${folder} is not a folder`);
  if ((mode & othersMayTouch) !== 0) {
    throw new CertsError('state-folder-exposed', `${folder} has mode ${octal(mode)}, must be 0700`);
  }
  if (!isOurs(uid)) throw new CertsError('state-folder-exposed', `${folder} belongs to user ${uid}`);
}

/**
 * Reads a file that holds a secret, and refuses one that others can read. The mode is asked of the open descriptor, so
 * that the file cannot be exchanged between the question and the reading. Throws CertsError, `missing` when absent.
 */
export async function readSecret(file: string, missing: CertsErrorCode): Promise<string> {
  return withSecret(file, missing, (handle) => handle.readFile('utf8'));
}

/** As `readSecret`, without bringing the secret into memory. */
export async function checkSecret(file: string): Promise<void> {
  await withSecret(file, 'state-incomplete', () => undefined);
}

async function withSecret<T>(
  file: string,
  missing: CertsErrorCode,
  use: (handle: FileHandle) => T | Promise<T>,
): Promise<T> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new CertsError(missing, `${file}: ${systemErrorText(cause)}`, { cause });
  });
  try {
    const { mode, uid } = await handle.stat();
    // An owner needs nobody else; a secret that is mounted for us (Kubernetes fsGroup) is root's, and our group reads it.
    const [forbidden, right] = uid === process.geteuid?.() ? [othersMayTouch, '0600'] : [groupMayOnlyRead, '0640'];
    if ((mode & forbidden) !== 0) {
      throw new CertsError('key-file-exposed', `${file} has mode ${octal(mode)}, must be ${right}`);
    }
    if (!isOurs(uid)) throw new CertsError('key-file-exposed', `${file} belongs to user ${uid}`);
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** The first line of a passphrase file. Throws CertsError. */
export async function readPassphrase(file: string): Promise<string> {
  const [line = ''] = (await readSecret(file, 'passphrase-file-invalid')).split(/\r?\n/, 1);
  if (line === '') throw new CertsError('passphrase-file-invalid', `the first line of ${file} is empty`);
  return line;
}

/**
 * The old content or the new, never half of it, also after a power cut: written beside it, fsynced, renamed, and the
 * folder fsynced, without which the rename itself may be lost.
 */
export async function writeDurably(
  file: string,
  content: string | Uint8Array,
  mode = 0o600,
  unusable: CertsErrorCode = 'state-folder-unusable',
): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw new CertsError(unusable, `cannot write ${file}: ${systemErrorText(cause)}`, { cause });
  }
  await syncFolder(dirname(file));
}

/**
 * The same of a file that somebody has named. A device or a pipe would be replaced by a file, `/dev/null` of a whole machine by
 * root: it is refused. A link stays, and what it leads to is replaced. Throws CertsError.
 */
export async function writeOutput(file: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() === false) {
    throw new CertsError('output-unwritable', `cannot write ${file}: it is there, and is not a regular file`);
  }
  await writeDurably(found === undefined ? file : await realpath(file), content, mode, 'output-unwritable');
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** True when there is anything by that name. */
export async function exists(folder: string, name: string): Promise<boolean> {
  return stat(join(folder, name)).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return false;
      throw new CertsError('state-folder-unusable', `${folder}: ${systemErrorText(cause)}`, { cause });
    },
  );
}

async function inspect(path: string, unusable: CertsErrorCode) {
  try {
    const found = await stat(path);
    return { mode: found.mode & 0o777, uid: found.uid, isFolder: found.isDirectory() };
  } catch (cause) {
    throw new CertsError(unusable, `${path}: ${systemErrorText(cause)}`, { cause });
  }
}

/** Whoever owns a file can open it, whatever its mode says; root can anyway. */
function isOurs(uid: number): boolean {
  return uid === process.geteuid?.() || uid === 0;
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`;
}
