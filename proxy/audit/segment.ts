import fs from 'node:fs';
import path from 'node:path';
import type { LinkedLines } from './hash-chain.ts';

/**
 * One file of a stream. Writes go to the page cache by `writeSync`: what was acknowledged survives the death of the
 * process, however sudden; `fdatasync`, off the request path, makes it survive the death of the machine.
 */
export type Segment = {
  readonly file: string;
  readonly number: number;
  readonly fd: number;
  readonly inode: number;
  readonly device: number;
  /** Bytes we know to be in it: whole lines only. */
  size: number;
};

/** What is wrong with the medium, in words a dashboard can count by. */
export type StorageFault =
  | 'no-space'
  | 'io-error'
  | 'read-only'
  | 'access-denied'
  | 'removed'
  | 'replaced'
  | 'altered'
  | 'other';

/** Thrown by nothing outside this folder: the stream turns it into a state. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly fault: StorageFault;

  constructor(fault: StorageFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

const FAULTS: Readonly<Record<string, StorageFault>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EIO: 'io-error',
  EROFS: 'read-only',
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  ENOENT: 'removed',
  ENOTDIR: 'replaced',
  ELOOP: 'replaced',
};

export function storageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return new StorageError(FAULTS[code] ?? 'other', cause instanceof Error ? cause.message : String(cause), { cause });
}

const NAME = /^([0-9]{8,})\.ndjson$/;

export function segmentFile(folder: string, number: number): string {
  return path.join(folder, `${String(number).padStart(8, '0')}.ndjson`);
}

export const isSegmentName = (name: string): boolean => NAME.test(name);

/** Numbers of the segments in a stream's folder, ascending. */
export function segmentNumbers(folder: string): readonly number[] {
  const numbers = fs.readdirSync(folder).flatMap((name) => {
    const digits = NAME.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  return numbers.sort((a, b) => a - b);
}

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;

/** A new file; never one that is there already, and never through a symbolic link (CWE-59). */
export function createSegment(folder: string, number: number): Segment {
  return opened(segmentFile(folder, number), number, O_CREAT | O_EXCL);
}

export function reopenSegment(folder: string, number: number): Segment {
  return opened(segmentFile(folder, number), number, 0);
}

function opened(file: string, number: number, flags: number): Segment {
  const fd = fs.openSync(file, O_WRONLY | O_APPEND | O_NOFOLLOW | flags, 0o600);
  const { ino, dev, size } = fs.fstatSync(fd);
  return { file, number, fd, inode: ino, device: dev, size };
}

/** Somebody who deletes or swaps the file leaves us writing into nowhere, and the kernel does not say so. */
export function assertIntact(segment: Segment): void {
  const stat = fs.lstatSync(segment.file, { throwIfNoEntry: false });
  if (stat === undefined) throw new StorageError('removed', `${segment.file} was removed while it was being written`);
  if (stat.ino !== segment.inode || stat.dev !== segment.device) {
    throw new StorageError('replaced', `${segment.file} was replaced while it was being written`);
  }
  if (stat.size !== segment.size) {
    throw new StorageError(
      'altered',
      `${segment.file} has ${stat.size} bytes and should have ${segment.size}: something else writes to it`,
    );
  }
}

export type Written = { readonly lines: number; readonly error: StorageError | undefined };

/** Appends whole lines, each ending in a newline at one of `ends`. What a failed or short write left of a line is cut off again. */
export function appendLines(segment: Segment, { bytes, ends }: Pick<LinkedLines, 'bytes' | 'ends'>): Written {
  let done = 0;
  try {
    while (done < bytes.length) done += progress(fs.writeSync(segment.fd, bytes, done));
    segment.size += bytes.length;
    return { lines: ends.length, error: undefined };
  } catch (cause) {
    const whole = ends.filter((end) => end <= done);
    const kept = whole.at(-1) ?? 0;
    segment.size += kept;
    if (done > kept) cutBack(segment);
    return { lines: whole.length, error: storageError(cause) };
  }
}

function cutBack(segment: Segment): void {
  try {
    fs.ftruncateSync(segment.fd, segment.size);
  } catch {
    // The size no longer matches then, so `assertIntact` gives the segment up before the next write.
  }
}

function progress(bytes: number): number {
  if (bytes === 0) throw new StorageError('io-error', 'a write of the audit segment made no progress');
  return bytes;
}

export function synced(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(storageError(error))));
  });
}

/** Makes a finished segment durable and read-only, and its name durable with it. */
export async function seal(segment: Segment): Promise<void> {
  try {
    await synced(segment.fd);
    fs.fchmodSync(segment.fd, 0o400);
  } finally {
    fs.closeSync(segment.fd);
  }
  await syncFolder(path.dirname(segment.file));
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.promises.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
