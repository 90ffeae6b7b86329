import { hash } from 'node:crypto';
import { quoted } from './encode-text.ts';

/**
 * The chain. Each line ends in the digest of its own bytes, and begins with the digest of the line before: `prev` of a
 * record equals `hash` of its predecessor, to the eye as well. Exact bytes are hashed, so no canonical form of JSON is
 * needed; and the last record, which nothing follows yet, still answers for itself.
 */
export type Head = { readonly seq: number; readonly hash: string };

export const GENESIS: Head = Object.freeze({ seq: 0, hash: `sha256:${'0'.repeat(64)}` });

/** An entry bundle of C2SP tlog-tiles counts in 16 bits; a longer record could never go into a transparency log. */
export const MAX_LINE_BYTES = 65_535;

/** Lines that are written together, each with its newline. */
export type LinkedLines = {
  readonly bytes: Buffer;
  /** Where each line ends. */
  readonly ends: readonly number[];
  /** The head behind each line. */
  readonly heads: readonly Head[];
};

/** More than all that a line has beside the inner part of its record: the longest name of a stream has 64 characters. */
const AROUND_BYTES = 320;

/** What a turn of the event loop hardly ever exceeds: some forty records. */
const MEMORY_BYTES = 65_536;

/** Makes the next lines of a stream from the inner parts of records: those of one call are good until the next. */
export function linking(stream: string): (before: Head, bodies: readonly string[]) => LinkedLines {
  const memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  const name = quoted(stream);
  return (before, bodies) => {
    let room = 0;
    for (const body of bodies) room += body.length + AROUND_BYTES;
    return link(before, name, bodies, room <= memory.length ? memory : Buffer.allocUnsafe(room));
  };
}

/** Each line is hashed where it lies, and nothing is copied again. */
function link(before: Head, name: string, bodies: readonly string[], bytes: Buffer): LinkedLines {
  const ends: number[] = [];
  const heads: Head[] = [];
  let head = before;
  let at = 0;
  for (const body of bodies) {
    const seq = head.seq + 1;
    const start = at;
    at += bytes.write(`{"v":1,"seq":${seq},"stream":${name},"prev":"${head.hash}",${body}`, at, 'latin1');
    const digest = `sha256:${hash('sha256', bytes.subarray(start, at))}`;
    at += bytes.write(`,"hash":"${digest}"}\n`, at, 'latin1');
    head = { seq, hash: digest };
    heads.push(head);
    ends.push(at);
  }
  return { bytes: bytes.subarray(0, at), ends, heads };
}

export type LineFault = 'line-too-long' | 'not-ascii' | 'malformed' | 'hash-mismatch';
export type ReadLine =
  | { readonly fault: LineFault; readonly seq: number | undefined }
  | {
      readonly fault: undefined;
      readonly seq: number;
      readonly stream: string;
      readonly prev: string;
      readonly hash: string;
    };

const START = /^\{"v":1,"seq":([1-9][0-9]{0,15}),"stream":"([a-z0-9-]{1,64})","prev":"(sha256:[0-9a-f]{64})",/;
const END = /,"hash":"(sha256:[0-9a-f]{64})"\}$/;
const END_LENGTH = ',"hash":"sha256:"}'.length + 64;

/** Reads one line without its newline, given as latin1, and checks everything that can be told from the line alone. */
export function readLine(line: string): ReadLine {
  const start = START.exec(line);
  const seq = start === null ? undefined : Number(start[1]);
  if (line.length > MAX_LINE_BYTES) return { fault: 'line-too-long', seq };
  if (!/^[\x20-\x7e]*$/.test(line)) return { fault: 'not-ascii', seq };
  const end = END.exec(line);
  const [, , stream, prev] = start ?? [];
  const digest = end?.[1];
  if (seq === undefined || stream === undefined || prev === undefined || digest === undefined || !isObject(line)) {
    return { fault: 'malformed', seq };
  }
  if (`sha256:${hash('sha256', line.slice(0, -END_LENGTH))}` !== digest) return { fault: 'hash-mismatch', seq };
  return { fault: undefined, seq, stream, prev, hash: digest };
}

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
