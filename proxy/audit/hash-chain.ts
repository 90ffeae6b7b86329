import { hash } from 'node:crypto';
import { quoted } from './encode.ts';

/**
 * The chain. Each line ends in the digest of its own bytes, and begins with the digest of the line before: `prev` of a
 * record equals `hash` of its predecessor, to the eye as well. Exact bytes are hashed, so no canonical form of JSON is
 * needed; and the last record, which nothing follows yet, still answers for itself.
 */
export type Head = { readonly seq: number; readonly hash: string };

export const GENESIS: Head = Object.freeze({ seq: 0, hash: `sha256:${'0'.repeat(64)}` });

/** An entry bundle of C2SP tlog-tiles counts in 16 bits; a longer record could never go into a transparency log. */
export const MAX_LINE_BYTES = 65_535;

/** Makes the next line (without its newline) from the inner part of a record, and the head behind it. */
export function link(head: Head, stream: string, body: string): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1;
  const covered = `{"v":1,"seq":${seq},"stream":${quoted(stream)},"prev":"${head.hash}",${body}`;
  const digest = `sha256:${hash('sha256', covered)}`;
  return { line: `${covered},"hash":"${digest}"}`, head: { seq, hash: digest } };
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
