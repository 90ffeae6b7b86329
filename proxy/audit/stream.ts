import fs from 'node:fs';
import path from 'node:path';
import { ProxyError } from '../errors.ts';
import type { AuditEvent, ControlEvent } from './catalogue.ts';
import { stepDetector } from './clock-step.ts';
import { enveloping } from './envelope.ts';
import { assertLockedByUs } from './folder-lock.ts';
import { type Head, linking } from './hash-chain.ts';
import { type Entry, Losses } from './losses.ts';
import { ensureReserve, hasRoomAgain, mayUseReserve, releaseReserve } from './reserve.ts';
import { type Resumption, resumeStream } from './resume.ts';
import { type StorageError, createSegment, storageError } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { AuditState, AuditStreamOptions, CommitResult } from './stream-options.ts';

/** So much of one turn is gathered before it is written without waiting for the turn to end: the queue is bounded. */
const MAX_BATCH_BYTES = 1_048_576;
const DEFAULT_TICK_MS = 1000;

/** Throws ProxyError when the folder cannot be used or the chain cannot be continued. */
export function openAuditStream(options: AuditStreamOptions): AuditStream {
  if (!/^[a-z0-9-]{1,64}$/.test(options.stream)) throw new RangeError(`not a stream name: ${options.stream}`);
  assertLockedByUs(options.folder);
  const folder = path.join(options.folder, options.stream);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const resumption = resumeStream(folder, options.stream);
    ensureReserve(folder);
    return new AuditStream(options, folder, resumption);
  } catch (cause) {
    if (cause instanceof ProxyError) throw cause;
    throw new ProxyError('audit-folder-unusable', `${folder}: ${storageError(cause).message}`, { cause });
  }
}

/**
 * One chain of records, with one writer. The records of one event-loop turn go out in one `writeSync`; whoever waits for
 * them is told after it. Storage trouble never throws here: it becomes a state, a count, and a record once there can be one.
 */
export class AuditStream {
  readonly #options: AuditStreamOptions;
  readonly #folder: string;
  readonly #bodyOf: ReturnType<typeof enveloping>;
  readonly #timer: NodeJS.Timeout;
  readonly #segments: SegmentWriter;
  readonly #link: ReturnType<typeof linking>;
  #head: Head;
  #state: AuditState = 'writable';
  #fault: StorageError | undefined;
  #pending: Entry[] = [];
  #pendingBytes = 0;
  #isClosed = false;
  readonly #losses = new Losses();
  #lastReopenNs: bigint | undefined;

  constructor(options: AuditStreamOptions, folder: string, { head, segment, lastNumber, ...found }: Resumption) {
    this.#options = options;
    this.#link = linking(options.stream);
    this.#folder = folder;
    this.#bodyOf = enveloping(options);
    this.#head = head;
    const first = segment ?? createSegment(folder, lastNumber + 1);
    this.#segments = new SegmentWriter(folder, first, options.monotonicNs, (error, isFatal) => {
      this.#onFault(error, isFatal);
    });
    if (!found.clean) {
      const detail = 'the stream was not closed in good order';
      this.#control({ type: 'audit.recovered', bytes_cut: found.bytesCut, last_seq: head.seq, detail });
    }
    this.#control({ type: 'audit.start', pid: process.pid, segment: first.number, detail: `mode ${options.mode}` });
    this.#flush();
    const clockStepMs = stepDetector(options.now, options.monotonicNs);
    this.#timer = setInterval(() => this.#tick(clockStepMs()), this.#tickMs).unref();
  }

  get state(): AuditState {
    return this.#state;
  }

  /** Records that could not be written since the stream was opened. */
  get lost(): number {
    return this.#losses.total;
  }

  /** Age of the oldest record that the device has not confirmed yet: what a power cut could take. */
  get lagMs(): number {
    return this.#segments.lagMs;
  }

  /**
   * The answer comes when the record is in the file, or when it is certain that it will not be. Never rejects.
   * `madeNs` saves a look at the monotonic clock to who has just had one.
   */
  commit(event: AuditEvent, madeNs?: bigint): Promise<CommitResult> {
    return new Promise((resolve) => {
      this.#enqueue(event, madeNs, (result) => {
        this.#options.onCommitted?.(result);
        resolve(result);
      });
    });
  }

  /** For events that nobody waits for. */
  append(event: ControlEvent): void {
    this.#enqueue(event, undefined, undefined);
  }

  /** Writes what is left and the stop record, and has the device confirm it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#control({ type: 'audit.stop' });
    this.#flush();
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#segments.close();
  }

  get #tickMs(): number {
    return this.#options.tickMs ?? DEFAULT_TICK_MS;
  }

  #control(event: Omit<ControlEvent, 'kind'>): void {
    this.append({ kind: 'control', ...event });
  }

  #enqueue(event: AuditEvent, madeNs: bigint | undefined, settle: Entry['settle']): void {
    if (this.#isClosed || (this.#state === 'failed' && !mayUseReserve(event))) {
      return this.#losses.add([{ settle }], 'refused');
    }
    const entry = this.#entry(event, settle, madeNs);
    this.#pending.push(entry);
    this.#pendingBytes += entry.body.length;
    if (this.#pendingBytes >= MAX_BATCH_BYTES) this.#flush();
    else if (this.#pending.length === 1) setImmediate(() => this.#flush());
  }

  #entry(event: AuditEvent, settle?: Entry['settle'], madeNs?: bigint): Entry {
    return { event, body: this.#bodyOf(event, madeNs), settle };
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    let left = this.#write(batch);
    if (left.length > 0 && this.#remedy()) left = this.#writeAgain(left);
    this.#losses.add(left, 'tried');
  }

  /** What the turn had gathered takes no more of the reserve than what comes after it. */
  #writeAgain(entries: readonly Entry[]): readonly Entry[] {
    if (this.#state === 'writable') return this.#write(entries);
    const { true: due = [], false: refused = [] } = Object.groupBy(entries, ({ event }) => `${mayUseReserve(event)}`);
    this.#losses.add(refused, 'refused');
    return this.#write(due);
  }

  /** Returns what could not be written. */
  #write(entries: readonly Entry[]): readonly Entry[] {
    if (this.#segments.bytes >= this.#options.segmentBytes && this.#segments.rotate()) {
      const rotated = { kind: 'control', type: 'audit.rotate', segment: this.#segments.number } as const;
      if (this.#write([this.#entry(rotated)]).length > 0) return entries;
    }
    const bodies = entries.map(({ body }) => body);
    const linked = this.#link(this.#head, bodies);
    const written = this.#segments.write(linked);
    this.#head = linked.heads[written.lines - 1] ?? this.#head;
    for (const entry of entries.slice(0, written.lines)) entry.settle?.('written');
    if (written.error !== undefined) this.#fail(written.error);
    return entries.slice(written.lines);
  }

  #fail(error: StorageError): void {
    this.#fault = error;
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#options.onStateChange('failed', error);
  }

  #onFault(error: StorageError, isFatal: boolean): void {
    if (isFatal) {
      this.#fail(error);
      this.#reopen();
    } else if (!this.#isClosed) {
      this.#control({ type: 'audit.degraded', reason: error.fault, detail: error.message });
    }
  }

  /** What can be done at once about a write that has just failed; true when writing again makes sense. */
  #remedy(): boolean {
    if (this.#fault?.fault !== 'no-space' || !this.#segments.isOpen) return this.#reopen();
    if (!releaseReserve(this.#folder)) return false;
    const detail = 'no space left: writing from the reserve until there is room';
    const degraded = { kind: 'control', type: 'audit.degraded', reason: 'no-space', detail } as const;
    return this.#write([this.#entry(degraded)]).length === 0;
  }

  #tick(clockStepMs: number | undefined): void {
    if (clockStepMs !== undefined) this.#control({ type: 'time.step', step_ms: clockStepMs });
    if (this.#state === 'failed') this.#recover();
    this.#segments.sync();
  }

  #recover(): void {
    if (this.#fault?.fault !== 'no-space' || !this.#segments.isOpen) {
      this.#reopen();
      return;
    }
    try {
      if (!hasRoomAgain(this.#folder)) return;
      ensureReserve(this.#folder);
      this.#admit();
    } catch (cause) {
      this.#fail(storageError(cause));
    }
  }

  /** At most once per half a tick: on a broken device each attempt would leave one more empty file behind. */
  #reopen(): boolean {
    const nowNs = this.#options.monotonicNs();
    const waitNs = BigInt(this.#tickMs) * 500_000n;
    if (this.#lastReopenNs !== undefined && nowNs - this.#lastReopenNs < waitNs) return false;
    this.#lastReopenNs = nowNs;
    try {
      this.#segments.reopen();
      return this.#admit();
    } catch (cause) {
      this.#fail(storageError(cause));
      return false;
    }
  }

  /** The first record after a failure says what is missing; only then is the stream writable again. */
  #admit(): boolean {
    const facts = { reason: this.#fault?.fault, detail: this.#fault?.message, ...this.#losses.owed };
    const entry = this.#entry({ kind: 'control', type: 'audit.recovered', ...facts });
    if (this.#write([entry]).length > 0) return false;
    this.#losses.admitted();
    this.#fault = undefined;
    this.#state = 'writable';
    this.#options.onStateChange('writable', undefined);
    return true;
  }
}
