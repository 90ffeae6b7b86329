import fs from 'node:fs';
import { ProxyError } from '../errors.ts';
import { GENESIS, type Head, readLine } from './hash-chain.ts';
import { type Segment, reopenSegment, segmentFile, segmentNumbers } from './segment.ts';

/** Where a stream goes on. */
export type Resumption = {
  readonly head: Head;
  /** The segment to append to; undefined when the next one is to be begun. */
  readonly segment: Segment | undefined;
  readonly lastNumber: number;
  readonly bytesCut: number;
  /** Whether there was no stream, or its last record says that it was closed in good order. */
  readonly clean: boolean;
};

/**
 * Finds the end of the chain. A last line without its newline is what a killed process leaves behind: it was never
 * acknowledged, and it is cut off. A *whole* last line that does not verify is not ours to repair: that is evidence, and
 * the stream refuses to go on over it. Throws ProxyError.
 */
export function resumeStream(folder: string, stream: string): Resumption {
  const numbers = segmentNumbers(folder);
  const lastNumber = numbers.at(-1) ?? 0;
  let bytesCut = 0;
  for (const number of numbers.toReversed()) {
    const file = segmentFile(folder, number);
    const end = endOf(file);
    if (end.torn > 0) fs.truncateSync(file, end.wholeBytes);
    bytesCut += end.torn;
    if (end.line === undefined) continue;
    const record = readLine(end.line);
    if (record.fault !== undefined || record.stream !== stream) {
      const why = record.fault ?? `it belongs to stream ${record.stream}`;
      throw new ProxyError('audit-stream-corrupt', `the last record of ${file} does not verify: ${why}`);
    }
    const head = { seq: record.seq, hash: record.hash };
    return {
      head,
      segment: appendable(folder, lastNumber),
      lastNumber,
      bytesCut,
      clean: bytesCut === 0 && isStop(end.line),
    };
  }
  return { head: GENESIS, segment: appendable(folder, lastNumber), lastNumber, bytesCut, clean: lastNumber === 0 };
}

function appendable(folder: string, number: number): Segment | undefined {
  if (number === 0) return undefined;
  const isSealed = (fs.statSync(segmentFile(folder, number)).mode & 0o200) === 0;
  return isSealed ? undefined : reopenSegment(folder, number);
}

function isStop(line: string): boolean {
  const record: unknown = JSON.parse(line);
  return typeof record === 'object' && record !== null && 'type' in record && record.type === 'audit.stop';
}

type End = { readonly wholeBytes: number; readonly torn: number; readonly line: string | undefined };

const FIRST_WINDOW_BYTES = 131_072;
const NEWLINE = 0x0a;

/** Reads backwards: a window that holds the last two newlines, or the whole file when there are fewer. */
function endOf(file: string): End {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const { size } = fs.fstatSync(fd);
    for (let windowBytes = FIRST_WINDOW_BYTES; ; windowBytes *= 4) {
      const bytes = Buffer.alloc(Math.min(windowBytes, size));
      fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
      const last = bytes.lastIndexOf(NEWLINE);
      const before = last < 1 ? -1 : bytes.lastIndexOf(NEWLINE, last - 1);
      if (before === -1 && bytes.length < size) continue;
      return {
        wholeBytes: size - bytes.length + last + 1,
        torn: bytes.length - last - 1,
        line: last === -1 ? undefined : bytes.toString('latin1', before + 1, last),
      };
    }
  } finally {
    fs.closeSync(fd);
  }
}
