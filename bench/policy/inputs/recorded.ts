import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readLine } from '../../../proxy/audit/hash-chain.ts';
import { readLines } from '../../../proxy/audit/lines.ts';
import { segmentFiles, streamNames } from '../../../proxy/audit/verify.ts';
import { ProxyError } from '../../../proxy/errors.ts';
import type { Named } from '../same-answers.ts';
import { type ExchangeRecord, recordedInput, wasAsked } from './record-input.ts';

export type Recorded = {
  readonly inputs: readonly Named[];
  /** How many exchanges were left out because a credential in the target was masked, or a field cut. */
  readonly incomplete: number;
  /** How many more there are than are asked. */
  readonly more: number;
};

/** With more, a round would take minutes; the first ones are as good as any. */
const usualMost = 10_000;

/**
 * What the policy was asked, made again from an audit folder, one stream of it or one of its files. Throws ProxyError for
 * what is no trail, or holds nothing that the policy was asked.
 */
export async function recordedInputs(path: string, most = usualMost): Promise<Recorded> {
  const inputs: Named[] = [];
  let incomplete = 0;
  let more = 0;
  let records = 0;
  for (const file of filesOf(path)) {
    for await (const { name, record } of recordsOf(file)) {
      records++;
      if (!wasAsked(record)) continue;
      if (record.masked !== undefined || record.cut !== undefined) incomplete++;
      else if (inputs.length < most) inputs.push({ name, input: recordedInput(record) });
      else more++;
    }
  }
  if (inputs.length > 0) return { inputs, incomplete, more };
  if (records === 0) throw unusable(`${path} is empty: it holds no record`);
  const why = incomplete === 0 ? 'in none the policy was asked' : `${incomplete} lack what was masked or cut`;
  throw unusable(`${path} holds ${records} records, and ${why}`);
}

const unusable = (message: string) => new ProxyError('bench-recorded-unusable', message);

function filesOf(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const own = segmentFiles(path);
    return own.length > 0 ? own : streamNames(path).flatMap((stream) => segmentFiles(join(path, stream)));
  } catch (cause) {
    if (cause instanceof ProxyError) throw unusable(cause.message);
    throw unusable(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  }
}

async function* recordsOf(file: string): AsyncGenerator<{ readonly name: string; readonly record: ExchangeRecord }> {
  let number = 0;
  for await (const { text, isWhole } of readLines(file)) {
    number++;
    // After a crash, until the proxy has started again.
    if (!isWhole && number > 1) return;
    const { fault } = readLine(text);
    if (fault !== undefined) throw unusable(`${file}:${number} is no record of an audit stream (${fault})`);
    yield { name: `${basename(file)}:${number}`, record: JSON.parse(text) as ExchangeRecord };
  }
}
