import fs from 'node:fs';
import { MAX_LINE_BYTES } from './hash-chain.ts';

export type Line = {
  /** Without its newline; one character per byte. */
  readonly text: string;
  /** False for what stands behind the last newline. */
  readonly isWhole: boolean;
};

/** Splits a file at line feeds in constant memory: a line longer than any record may be comes out in pieces. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let rest = '';
  for await (const chunk of fs.createReadStream(file, { encoding: 'latin1' })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield { text, isWhole: true };
    if (rest.length > MAX_LINE_BYTES) {
      yield { text: rest, isWhole: true };
      rest = '';
    }
  }
  if (rest !== '') yield { text: rest, isWhole: false };
}
