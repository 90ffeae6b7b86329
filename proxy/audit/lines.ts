import fs from 'node:fs';
import { systemErrorText } from '../../certs/system-error.ts';
import { ProxyError } from '../errors.ts';
import { MAX_LINE_BYTES } from './hash-chain.ts';

export type Line = {
  /** Without its newline; one character per byte. */
  readonly text: string;
  /** False for what stands behind the last newline. */
  readonly isWhole: boolean;
};

/** Splits a file at line feeds in constant memory: a line longer than any record may be comes out in pieces. Throws ProxyError. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let rest = '';
  for await (const chunk of chunks(file)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield { text, isWhole: true };
    if (rest.length > MAX_LINE_BYTES) {
      yield { text: rest, isWhole: true };
      rest = '';
    }
  }
  if (rest !== '') yield { text: rest, isWhole: false };
}

async function* chunks(file: string): AsyncGenerator<string> {
  try {
    // A pipe that nobody writes to would be waited for without an end.
    if (!(await fs.promises.stat(file)).isFile()) throw unreadable(file, 'it is not a regular file');
    for await (const chunk of fs.createReadStream(file, { encoding: 'latin1' })) yield String(chunk);
  } catch (cause) {
    throw cause instanceof ProxyError ? cause : unreadable(file, cause);
  }
}

/** With what the system said in words. */
export function unreadable(path: string, cause: unknown): ProxyError {
  const why = typeof cause === 'string' ? cause : systemErrorText(cause);
  return new ProxyError('audit-unreadable', `${path}: ${why}`, { cause });
}
