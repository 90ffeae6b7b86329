import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ProxyError } from '../errors.ts';

/**
 * One process writes to an audit folder. The lock is one the kernel holds, taken through SQLite because Node itself has
 * none: it ends with the process however that dies, so there is no stale lock to judge, no process id that was given to
 * somebody else in the meantime, and it holds between containers that share a volume. Nobody else may open the `lock`
 * file in this process: POSIX drops a process's locks on a file when it closes any descriptor of it.
 */
export type FolderLock = { readonly release: () => void };

const WRITER_NAME = 'writer';

/** Creates the folder if it is missing. Throws ProxyError. */
export function lockAuditFolder(folder: string, now: () => number): FolderLock {
  const file = path.join(folder, 'lock');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    assertPrivate(folder);
    fs.closeSync(fs.openSync(file, fs.constants.O_CREAT | fs.constants.O_RDWR | fs.constants.O_NOFOLLOW, 0o600));
  } catch (cause) {
    if (cause instanceof ProxyError) throw cause;
    throw new ProxyError('audit-folder-unusable', `${folder}: ${messageOf(cause)}`, { cause });
  }
  const database = locked(folder, file);
  // For people only: who it is that holds the lock.
  fs.writeFileSync(path.join(folder, WRITER_NAME), JSON.stringify({ pid: process.pid, since: now() }), { mode: 0o600 });
  return { release: () => database.close() };
}

/** Streams are opened by threads that cannot hold the lock themselves; this catches the one that forgot it. */
export function assertLockedByUs(folder: string): void {
  if (writerOf(folder)?.pid === process.pid) return;
  throw new ProxyError('audit-folder-locked', `${folder} has not been locked by this process`);
}

function locked(folder: string, file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database.close();
    if (!isBusy(cause)) throw new ProxyError('audit-folder-unusable', `${file}: ${messageOf(cause)}`, { cause });
    const writer = writerOf(folder);
    const holder = writer === undefined ? 'another process' : `process ${writer.pid}`;
    throw new ProxyError('audit-folder-locked', `${folder} is being written by ${holder}`, { cause });
  }
}

const SQLITE_BUSY = 5;

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY;
}

function assertPrivate(folder: string): void {
  const { mode } = fs.statSync(folder);
  if ((mode & 0o022) === 0) return;
  const bits = (mode & 0o777).toString(8);
  throw new ProxyError('audit-folder-unusable', `${folder} can be written by other users (mode ${bits})`);
}

function writerOf(folder: string): { readonly pid: number } | undefined {
  try {
    const content: unknown = JSON.parse(fs.readFileSync(path.join(folder, WRITER_NAME), 'utf8'));
    return typeof content === 'object' && content !== null && 'pid' in content && typeof content.pid === 'number'
      ? { pid: content.pid }
      : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
