import fs from 'node:fs';
import path from 'node:path';
import type { AuditEvent } from './catalogue.ts';

/**
 * Real bytes that stand beside the segments, to be given up when the disk is full: so that requests which the workload
 * has already seen still get their records, while new ones are refused (AU-5).
 */
const RESERVE_BYTES = 1_048_576;

export const RESERVE_NAME = 'reserve';

/** True when there was one and its room is free now. */
export function releaseReserve(folder: string): boolean {
  try {
    fs.unlinkSync(path.join(folder, RESERVE_NAME));
    return true;
  } catch {
    return false;
  }
}

/** Writes the reserve unless it stands. Throws, and leaves nothing behind, when there is no room for it. */
export function ensureReserve(folder: string): void {
  const file = path.join(folder, RESERVE_NAME);
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return;
  fs.rmSync(file, { force: true });
  const fd = fs.openSync(file, 'wx', 0o600);
  try {
    // Not zeros and not a hole: a file system that compresses or deduplicates would reserve nothing.
    let left = RESERVE_BYTES;
    while (left > 0) left -= fs.writeSync(fd, noise(), 0, Math.min(left, NOISE_BYTES));
    fs.fsyncSync(fd);
  } catch (cause) {
    fs.rmSync(file, { force: true });
    throw cause;
  } finally {
    fs.closeSync(fd);
  }
}

const NOISE_BYTES = 65_536;

function noise(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NOISE_BYTES));
}

/** Whether trying is worth while: with less than twice the reserve, its writing would take the room the records need. */
export function hasRoomAgain(folder: string): boolean {
  const { bavail, bsize } = fs.statfsSync(folder);
  return bavail * bsize >= 2 * RESERVE_BYTES;
}

/**
 * While the stream has failed, what room is left belongs to requests that the workload has seen. Refusals, whatever their
 * reason, and handshakes are only counted: anybody can cause as many as would take it all.
 */
export function mayUseReserve(event: AuditEvent): boolean {
  return event.kind === 'control' || (event.kind === 'exchange' && event.dst !== undefined);
}
