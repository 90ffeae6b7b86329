import fs from 'node:fs';
import path from 'node:path';
import { ProxyError } from '../errors.ts';
import { GENESIS, type Head, type LineFault, type ReadLine, readLine } from './hash-chain.ts';
import { readLines, unreadable } from './lines.ts';
import { RESERVE_NAME } from './reserve.ts';
import { isSegmentName, segmentFile, segmentNumbers } from './segment.ts';

/**
 * Checks a trail from its files alone: nothing of the proxy that wrote it is needed. What it proves is that nobody has
 * changed, removed, repeated or reordered records *without recomputing the chain*, and what it cannot see is a tail that
 * was cut off whole: for both, heads have to be signed and kept elsewhere. It stops a stream at its first bad record,
 * because behind that nothing is proven.
 */
export type FaultKind =
  | LineFault
  | 'torn-tail'
  | 'wrong-stream'
  | 'out-of-sequence'
  | 'chain-broken'
  | 'segment-missing'
  | 'unexpected-file';

export type AuditFault = {
  readonly kind: FaultKind;
  readonly stream: string;
  readonly file: string;
  /** Line in that file, from 1; 0 when the fault is the file itself. */
  readonly line: number;
  /** Number the record claims, or should have where it cannot be read. */
  readonly seq: number;
  readonly message: string;
};

export type StreamReport = {
  readonly stream: string;
  readonly segments: number;
  /** Records that verify, from the first one on. */
  readonly records: number;
  /** Digest of the last of them: compare it with one noted elsewhere to notice a cut tail. */
  readonly head: string;
  readonly fault: AuditFault | undefined;
};

/** Constant memory, whatever the size of the trail. Throws ProxyError when there is none. */
export async function verifyAudit(folder: string): Promise<readonly StreamReport[]> {
  const reports: StreamReport[] = [];
  for (const stream of streamNames(folder)) reports.push(await verifyStream(path.join(folder, stream), stream));
  // A wrong or emptied folder would pass as a trail in which every record verifies.
  if (reports.every(({ records, fault }) => records === 0 && fault === undefined)) {
    throw new ProxyError('audit-unreadable', `${folder} holds no audit record`);
  }
  return reports;
}

/** The streams in an audit folder. Throws ProxyError. */
export function streamNames(folder: string): readonly string[] {
  const names = readable(folder, () =>
    fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
  );
  if (names.length === 0) throw new ProxyError('audit-unreadable', `${folder} holds no audit stream`);
  return names.sort();
}

/** The files of one stream, in order. Throws ProxyError. */
export function segmentFiles(streamFolder: string): readonly string[] {
  return readable(streamFolder, () => segmentNumbers(streamFolder)).map((number) => segmentFile(streamFolder, number));
}

async function verifyStream(folder: string, stream: string): Promise<StreamReport> {
  const numbers = readable(folder, () => segmentNumbers(folder));
  let head = GENESIS;
  const report = (fault: AuditFault | undefined): StreamReport => ({
    stream,
    segments: numbers.length,
    records: head.seq,
    head: head.hash,
    fault,
  });
  for (const [index, number] of numbers.entries()) {
    const file = segmentFile(folder, number);
    if (number !== index + 1) {
      const missing = segmentFile(folder, index + 1);
      const seq = head.seq + 1;
      return report({
        kind: 'segment-missing',
        stream,
        file: missing,
        line: 0,
        seq,
        message: 'this segment is missing',
      });
    }
    const segment = await verifySegment(file, stream, head);
    head = segment.head;
    if (segment.fault !== undefined) return report(segment.fault);
  }
  return report(strayFile(folder, stream, numbers, head));
}

type SegmentReport = { readonly head: Head; readonly fault: AuditFault | undefined };

async function verifySegment(file: string, stream: string, start: Head): Promise<SegmentReport> {
  let head = start;
  let line = 0;
  for await (const { text, isWhole } of readLines(file)) {
    line += 1;
    const record = readLine(text);
    const problem = isWhole ? lineProblem(record, stream, head) : TORN;
    if (problem !== undefined) {
      return { head, fault: { ...problem, stream, file, line, seq: record.seq ?? head.seq + 1 } };
    }
    if (record.fault === undefined) head = { seq: record.seq, hash: record.hash };
  }
  return { head, fault: undefined };
}

type Problem = { readonly kind: FaultKind; readonly message: string };

const TORN: Problem = {
  kind: 'torn-tail',
  message:
    'the line does not end; normal after a crash until the proxy has started again, and nowhere but at the very end',
};

const LINE_PROBLEMS: Readonly<Record<LineFault, string>> = {
  'line-too-long': 'the line is longer than any record',
  'not-ascii': 'the line holds a byte that no record has',
  malformed: 'the line is not a record',
  'hash-mismatch': 'the record was changed: its bytes do not give its hash',
};

function lineProblem(record: ReadLine, stream: string, head: Head): Problem | undefined {
  if (record.fault !== undefined) return { kind: record.fault, message: LINE_PROBLEMS[record.fault] };
  if (record.stream !== stream) {
    return { kind: 'wrong-stream', message: `the record belongs to stream ${record.stream}` };
  }
  if (record.seq !== head.seq + 1) {
    const why = record.seq > head.seq ? 'records before it are missing' : 'it is repeated or out of place';
    return { kind: 'out-of-sequence', message: `record ${head.seq + 1} should stand here: ${why}` };
  }
  if (record.prev !== head.hash) {
    return {
      kind: 'chain-broken',
      message: 'the record does not follow from the one before it: that one was replaced',
    };
  }
  return undefined;
}

/** A copy or a renamed segment beside the others is no record, but somebody was here. */
function strayFile(folder: string, stream: string, numbers: readonly number[], head: Head): AuditFault | undefined {
  const expected = new Set([RESERVE_NAME, ...numbers.map((number) => path.basename(segmentFile(folder, number)))]);
  // A segment that was not there at first was begun meanwhile: all that were there have been read.
  const stray = readable(folder, () => fs.readdirSync(folder)).find(
    (name) => !expected.has(name) && !isSegmentName(name),
  );
  if (stray === undefined) return undefined;
  const file = path.join(folder, stray);
  const message = 'this file does not belong to the trail';
  return { kind: 'unexpected-file', stream, file, line: 0, seq: head.seq + 1, message };
}

function readable<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}
