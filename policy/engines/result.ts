import { EvaluationError } from '../engine.ts';
import { readValue, ValueTextError } from '../value/read-text.ts';
import { maxResultSize, plainJson } from './plan/plain-json.ts';

/** A number that JSON.parse may not read exactly, or as no number at all. Found in texts too, which costs only time. */
const longNumber = /\d{16}|\d[eE]/;

/**
 * Reads the result set, which OPA's WebAssembly gives as a set in the notation of `value/text.ts`, as the JSON that OPA
 * answers with: sets are sorted arrays, keys that are no strings become their JSON text. Integers beyond 2^53 - 1 are
 * bigints. Throws EvaluationError.
 */
export function readResult(text: string): unknown {
  if (text === 'set()') return [];
  if (text.length > maxResultSize) throw new EvaluationError(`the result is larger than ${maxResultSize} bytes`);
  if (text.startsWith('{') && text.endsWith('}') && !longNumber.test(text)) {
    try {
      return JSON.parse(`[${text.slice(1, -1)}]`);
    } catch {
      // Nearly all results are JSON; a set or a key that is no string is not.
    }
  }
  try {
    return plainJson(readValue(text));
  } catch (cause) {
    if (cause instanceof ValueTextError) throw new EvaluationError(`the result is ${cause.message}`, { cause });
    throw cause;
  }
}
