import { readFile } from 'node:fs/promises';
import { PolicyError } from '../errors.ts';
import type { JsonObject } from './bundle.ts';

/** Data is copied into the memory of each engine; what is larger belongs into a database that the workload asks. */
const maxDataBytes = 64 * 1024 * 1024;

/** Reads what the policy sees as `data`. Throws PolicyError with file, line and column. */
export async function readDataFile(file: string): Promise<JsonObject> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new PolicyError('data-missing', `cannot read the data file ${file}: ${cause.code ?? cause.message}`, {
      cause,
    });
  });
  if (bytes.byteLength > maxDataBytes) {
    throw new PolicyError('policy-too-large', `${file} has ${bytes.byteLength} bytes; at most ${maxDataBytes} fit`);
  }
  return parseData(file, bytes);
}

export function parseData(file: string, bytes: Uint8Array): JsonObject {
  const text = decode(file, bytes);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, text, cause instanceof Error ? cause.message : String(cause));
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw invalid(file, text, 'the top level must be an object (line 1 column 1)');
  }
  return data as JsonObject;
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PolicyError('data-invalid', `${file}: not UTF-8`, { cause });
  }
}

/** V8 says where in its message, except when the text ends too early. */
function invalid(file: string, text: string, message: string): PolicyError {
  const place = /\(line (\d+) column (\d+)\)/.exec(message);
  const line = place === null ? text.split('\n').length : Number(place[1]);
  const column = place === null ? text.length - text.lastIndexOf('\n') : Number(place[2]);
  const what = message
    .replace(/ (in JSON )?at position.*| \(line.*/s, '')
    .replace(/, \.\.\..*| "[^]*" is not valid JSON/s, '');
  return new PolicyError('data-invalid', `${file}:${line}:${column}: ${what}`, {
    diagnostics: [{ file, line, column, code: 'data-invalid', message: what }],
  });
}
