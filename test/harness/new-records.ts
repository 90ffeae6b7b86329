import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuditRecord } from './proxy.ts';

/** Reads the exchange records of a data thread that were written since the last call. Segments are assumed not to rotate. */
export function exchangeRecords(folder: string): () => readonly AuditRecord[] {
  const read = threadRecords(folder);
  return () => read().filter((record) => 'object' in record);
}

/** The same of all its records: of connections too. */
export function threadRecords(folder: string): () => readonly AuditRecord[] {
  let seen = 0;
  const file = readdirSync(join(folder, 'audit'), { recursive: true, encoding: 'utf8' }).find(
    (name) => name.includes('data-0') && name.endsWith('.ndjson'),
  );
  return () => {
    const text = readFileSync(join(folder, 'audit', file ?? ''), 'latin1');
    const fresh = text.slice(seen, text.lastIndexOf('\n') + 1);
    seen += fresh.length;
    const records = fresh.split('\n').filter((line) => line !== '');
    return records.map((line) => JSON.parse(line) as AuditRecord);
  };
}

/** Waits until `read` has brought so many records; what it brings comes as soon as it is on the disk. */
export async function untilRecords(read: () => readonly AuditRecord[], count: number): Promise<readonly AuditRecord[]> {
  const records = [...read()];
  while (records.length < count) {
    await wait(1);
    records.push(...read());
  }
  return records;
}
