import { readStrictJson } from '../policy/json/strict-json.ts';
import type { SchemaValidator } from '../policy/schema.ts';

export type JudgedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly wrong: 'json' | 'schema'; readonly pointer: string; readonly detail: string };

/** Deeper documents serve nobody but those who look for a stack to overflow. */
const maxDepth = 64;

/** Holds a whole body, of a request or of a response, against its schema. */
export function judgeJson(bytes: Buffer, schema: SchemaValidator): JudgedJson {
  const json = readStrictJson(bytes, { maxDepth });
  if (!json.ok) return { ok: false, wrong: 'json', pointer: json.problem.pointer, detail: json.problem.detail };
  const violation = schema.validate(json.value);
  if (violation === undefined) return { ok: true, value: json.value };
  return { ok: false, wrong: 'schema', pointer: violation.pointer, detail: violation.message };
}
