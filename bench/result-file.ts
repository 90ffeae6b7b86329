import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { readStrictJson } from '../policy/json/strict-json.ts';
import { readAtMost } from '../policy/read-at-most.ts';
import { compileSchema, type SchemaValidator } from '../policy/schema.ts';
import { ProxyError } from '../proxy/errors.ts';
import { oneLine } from './report/one-line.ts';
import { type BenchResult, resultFormat } from './result.ts';

/** What `--json` prints, and a result file holds. */
export function resultText(result: BenchResult): string {
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

/** Throws ProxyError. */
export async function writeResult(file: string, result: BenchResult): Promise<void> {
  await writeOutput(file, resultText(result));
}

/** For every file that a measurement leaves behind. Throws ProxyError. */
export async function writeOutput(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: NodeJS.ErrnoException) => {
    throw new ProxyError('bench-output-unwritable', `${file} cannot be written (${cause.code})`, { cause });
  });
}

/** Far above any result: a file of this size was not written by a benchmark. */
const largest = 64 * 1024 * 1024;
const maxDepth = 8;

/** Compiled with the first file: whoever only writes does not wait for it. */
let schema: SchemaValidator | undefined;

/** Throws ProxyError for anything that is not, member by member, a result of this version. */
export async function readResult(file: string): Promise<BenchResult> {
  const bytes = await readAtMost(file, largest + 1).catch((cause: NodeJS.ErrnoException) => {
    throw new ProxyError('bench-result-unreadable', `${file} cannot be read (${cause.code})`, { cause });
  });
  return parseResult(bytes, file);
}

/** Throws ProxyError, which names `file`. */
export function parseResult(bytes: Uint8Array, file: string): BenchResult {
  // A reason may quote the file, and is printed on a terminal.
  const refused = (why: string) => new ProxyError('bench-result-invalid', `${file}: ${oneLine(why)}`);
  if (bytes.length === 0) throw refused('the file is empty');
  if (bytes.length > largest) throw refused(`the file has more than ${largest} bytes`);
  const json = readStrictJson(bytes, { maxDepth });
  if (!json.ok) throw refused(`not whole JSON: ${json.problem.detail} (byte ${json.problem.offset})`);
  const format = formatOf(json.value);
  if (format === undefined) throw refused('not a result of `portcullis bench`: it has no "format"');
  if (format !== resultFormat) {
    throw refused(
      `its format is ${JSON.stringify(format).slice(0, 60)}, and this version reads "${resultFormat}" only`,
    );
  }
  schema ??= compileSchema(readFileSync(new URL('result.schema.json', import.meta.url)), 'result.schema.json');
  const violation = schema.validate(json.value);
  if (violation !== undefined) throw refused(`${violation.pointer || 'the whole'}: ${violation.message}`);
  const result = json.value as BenchResult;
  const twice = repeatedSubject(result);
  if (twice !== undefined) throw refused(`the subject ${twice} stands in it twice`);
  return result;
}

function formatOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
}

function repeatedSubject({ subjects }: BenchResult): string | undefined {
  const seen = new Set<string>();
  for (const subject of subjects) {
    const key = JSON.stringify([subject.name, subject.case]);
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}
