import { PolicyError } from '../errors.ts';
import { readStrictJson } from '../json/strict-json.ts';
import { readAtMost } from '../read-at-most.ts';
import { systemErrorText } from '../system-error.ts';
import type { JsonObject } from './bundle.ts';

/** Data is copied into the memory of each engine; what is larger belongs into a database that the workload asks. */
const maxDataBytes = 64 * 1024 * 1024;
/** OPA's JSON reader is recursive, on a WebAssembly stack that is small. */
const maxDataDepth = 64;

/** Reads what the policy sees as `data`. Throws PolicyError with file, line and column. */
export async function readDataFile(file: string): Promise<JsonObject> {
  const bytes = await readAtMost(file, maxDataBytes + 1).catch((cause: unknown) => {
    throw new PolicyError('data-missing', `cannot read the data file ${file}: ${systemErrorText(cause)}`, { cause });
  });
  if (bytes.length > maxDataBytes) {
    throw new PolicyError('policy-too-large', `${file} has more than the ${maxDataBytes} bytes that fit`);
  }
  return parseData(file, bytes);
}

export function parseData(file: string, bytes: Uint8Array): JsonObject {
  const data = parseDataValue(file, bytes);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw invalid(file, bytes, 0, 'not-an-object', 'the top level must be an object');
  }
  return data as JsonObject;
}

/** Strict, because data decides: a role that is granted twice with different values has no meaning. */
export function parseDataValue(file: string, bytes: Uint8Array): unknown {
  const reading = readStrictJson(bytes, { maxDepth: maxDataDepth });
  if (!reading.ok) {
    const { code, detail, pointer, offset } = reading.problem;
    const place = pointer === '' ? '' : ` (at ${pointer})`;
    throw invalid(file, bytes, offset, code, `${detail}${place}`);
  }
  return reading.value;
}

function invalid(file: string, bytes: Uint8Array, offset: number, code: string, message: string): PolicyError {
  const before = Buffer.from(bytes.subarray(0, offset)).toString('utf8');
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  return new PolicyError('data-invalid', `${file}:${line}:${column}: ${message}`, {
    diagnostics: [{ file, line, column, code, message }],
  });
}
