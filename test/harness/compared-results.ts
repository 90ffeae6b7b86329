import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { resultText } from '../../bench/result-file.ts';
import type { BenchResult } from '../../bench/result.ts';
import { type Ended, portcullis } from './command.ts';

/** `bench compare` on two results, or on files with some other text. */
export function compared(
  t: Test,
  a: BenchResult | string,
  b: BenchResult | string,
  ...words: string[]
): Promise<Ended> {
  const folder = t.testdir();
  const files = [a, b].map((content, index) => {
    const file = path.join(folder, index === 0 ? 'before.json' : 'after.json');
    writeFileSync(file, typeof content === 'string' ? content : resultText(content));
    return file;
  });
  return portcullis('bench', 'compare', ...files, ...words);
}
