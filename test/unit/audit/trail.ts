import fs from 'node:fs';
import path from 'node:path';
import type { ExchangeEvent } from '../../../proxy/audit/catalogue.ts';
import { type FolderLock, lockAuditFolder } from '../../../proxy/audit/folder-lock.ts';
import type { StorageFault } from '../../../proxy/audit/segment.ts';
import { type AuditStream, openAuditStream } from '../../../proxy/audit/stream.ts';
import type { AuditState } from '../../../proxy/audit/stream-options.ts';

/** A stream on a real folder, and what it told about itself. Not a test itself. */
export type Trail = {
  readonly folder: string;
  readonly stream: AuditStream;
  readonly states: (AuditState | StorageFault)[];
  readonly lock: FolderLock;
  /** Resolves when the stream says so. */
  readonly becomes: (state: AuditState) => Promise<void>;
  /** Closes the stream and gives the folder back. */
  readonly end: () => Promise<void>;
};

export type TrailOptions = {
  readonly name?: string;
  readonly segmentBytes?: number;
  readonly tickMs?: number;
  readonly now?: () => number;
};

export function openTrail(folder: string, options: TrailOptions = {}): Trail {
  const lock = lockAuditFolder(folder, Date.now);
  const states: (AuditState | StorageFault)[] = [];
  let waiting: { state: AuditState; resolve: () => void }[] = [];
  const stream = openAuditStream({
    folder,
    stream: options.name ?? 'data-1',
    segmentBytes: options.segmentBytes ?? 1_048_576,
    mode: 'required',
    identity: { node: 'node-1', workload: 'spiffe://td.example/orders' },
    now: options.now ?? Date.now,
    monotonicNs: () => process.hrtime.bigint(),
    onStateChange: (state, cause) => {
      states.push(state, ...(cause === undefined ? [] : [cause.fault]));
      for (const each of waiting) if (each.state === state) each.resolve();
      waiting = waiting.filter((each) => each.state !== state);
    },
    tickMs: options.tickMs ?? 1000,
  });
  return {
    folder,
    stream,
    states,
    lock,
    becomes: (state) =>
      awake(stream.state === state ? Promise.resolve() : new Promise((resolve) => waiting.push({ state, resolve }))),
    end: async () => {
      await stream.close();
      lock.release();
    },
  };
}

/** The stream's own timer does not keep a process alive, and must not; a test that waits for it must. */
export async function awake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** One that was forwarded. */
export function exchange(id: string, more: Partial<ExchangeEvent> = {}): ExchangeEvent {
  return {
    kind: 'exchange',
    id,
    dur_us: 812,
    status: 200,
    rule: 'orders.read',
    policy: { revision: 'r41' },
    snapshot: 'sha256:1111',
    listener: 'main',
    route: 'read-order',
    src: { ip: '10.0.0.7', port: 44321 },
    dst: { ip: '127.0.0.1', port: 8080 },
    peer: { spiffe: 'spiffe://td.example/web', serial: '75d9', not_after: '2026-11-21T18:40:02.000Z' },
    object: { service: 'orders', method: 'GET', target: `/orders/${id}`, path_template: '/orders/{id}' },
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', group: 'P-256', alpn: 'h2', resumed: false },
    bytes_in: 0,
    bytes_out: 31,
    ...more,
  };
}

/** One that was refused before that. */
export function refusal(id: string, reason: ExchangeEvent['reason'], status: number): ExchangeEvent {
  return exchange(id, { reason, status, dst: undefined });
}

export function files(folder: string, name = 'data-1'): readonly string[] {
  return fs
    .readdirSync(path.join(folder, name))
    .filter((file) => file.endsWith('.ndjson'))
    .sort()
    .map((file) => path.join(folder, name, file));
}

export function lines(folder: string, name = 'data-1'): readonly string[] {
  return files(folder, name).flatMap((file) => fs.readFileSync(file, 'latin1').split('\n').slice(0, -1));
}

export type PlainRecord = Readonly<Record<string, unknown>>;

export function records(folder: string, name = 'data-1'): readonly PlainRecord[] {
  return lines(folder, name).map((line) => {
    const record: unknown = JSON.parse(line);
    if (typeof record !== 'object' || record === null) throw new Error(`not a record: ${line}`);
    return { ...record };
  });
}

export function ofType(folder: string, type: string): readonly PlainRecord[] {
  return records(folder).filter((record) => record['type'] === type);
}
