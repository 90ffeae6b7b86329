import { childPointer, unescapeToken } from '../json/pointer.ts';
import { isJsonObject, type JsonObject } from '../json/json-object.ts';
import { applicators, type Dialect, refusedKeywords } from './dialect.ts';
import { UnsupportedPattern } from './ecma-pattern.ts';
import type { LinearPattern } from './linear-pattern.ts';
import type { SchemaProblem } from './problem.ts';

export type CheckOptions = {
  readonly dialect: Dialect;
  readonly isKeyword: (name: string) => boolean;
  readonly formats: readonly string[];
  readonly compilePattern: (pattern: string) => LinearPattern;
};

/**
 * How a schema is applied where it is met. `open`: nothing has said yet what happens to unlisted members. `stated`: an
 * enclosing schema for the same value has. `condition`: inside `if` or `not`, which only ask. `kept`: a definition,
 * judged for members only where a `$ref` applies it.
 */
type Mode = 'open' | 'stated' | 'condition' | 'kept';

/** One schema at one place; `chain` lists the places that have been applied to the same value on the way here. */
type Visit = {
  readonly schema: unknown;
  readonly pointer: string;
  readonly mode: Mode;
  readonly chain: readonly string[];
};

/**
 * Everything the validator could not apply safely, or could read otherwise than its author, all at once. Follows `$ref`,
 * so that a definition is judged in the light of the schemas that use it.
 */
export function checkSchema(root: unknown, options: CheckOptions): readonly SchemaProblem[] {
  const problems = new Map<string, SchemaProblem>();
  const report: Report = (code, pointer, message) => {
    problems.set(`${pointer} ${message}`, { code, pointer, message });
  };
  const seen = new Set<string>();
  const waiting: Visit[] = [{ schema: root, pointer: '', mode: 'open', chain: [] }];
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    const { schema, pointer, mode, chain } = visit;
    if (!isJsonObject(schema)) continue;
    if (chain.includes(pointer)) report('schema-invalid', pointer, 'applies itself to the same value without end');
    const key = `${mode} ${pointer}`;
    if (seen.has(key) || chain.includes(pointer)) continue;
    seen.add(key);
    checkKeywords(schema, pointer, options, report);
    checkMembers(schema, pointer, mode, report);
    waiting.push(...refTarget(root, visit, report), ...subschemas(visit));
  }
  return [...problems.values()];
}

type Report = (code: SchemaProblem['code'], pointer: string, message: string) => void;

function checkKeywords(schema: JsonObject, pointer: string, options: CheckOptions, report: Report): void {
  for (const [keyword, value] of Object.entries(schema)) {
    const place = childPointer(pointer, keyword);
    const refused = refusedKeywords.get(keyword);
    if (refused !== undefined) report('schema-invalid', place, `"${keyword}" ${refused}`);
    else if (!options.isKeyword(keyword)) {
      report('schema-invalid', place, `"${keyword}" is no keyword of JSON Schema ${options.dialect}`);
    } else if ((keyword === '$id' || keyword === '$schema') && pointer !== '') {
      report('schema-invalid', place, `"${keyword}" may stand at the top of the file only`);
    } else if (keyword === 'format' && typeof value === 'string' && !options.formats.includes(value)) {
      report(
        'schema-unknown-format',
        place,
        `format "${value}" is not checked here; known are ${options.formats.join(', ')}`,
      );
    } else if (keyword === 'pattern' && typeof value === 'string') checkPattern(value, place, options, report);
    else if (keyword === 'patternProperties' && isJsonObject(value)) {
      for (const name of Object.keys(value)) checkPattern(name, childPointer(place, name), options, report);
    } else if (keyword === '$ref') checkRef(schema, place, options, report);
  }
}

function checkPattern(pattern: string, pointer: string, options: CheckOptions, report: Report): void {
  try {
    options.compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof UnsupportedPattern)) throw error;
    report('schema-pattern-not-linear', pointer, `pattern ${JSON.stringify(pattern)}: ${error.message}`);
  }
}

const annotations = new Set(['$ref', '$schema', '$id', '$comment', 'title', 'description', 'definitions', 'default']);

function checkRef(schema: JsonObject, pointer: string, options: CheckOptions, report: Report): void {
  const ref = schema['$ref'];
  if (typeof ref === 'string' && ref !== '#' && !ref.startsWith('#/')) {
    report('schema-remote-ref', pointer, `$ref ${JSON.stringify(ref)} is not a place in this file`);
  }
  // The standard ignores what stands beside a $ref in draft-07; ajv does not. Neither may be what the author meant.
  const ignored = Object.keys(schema).find((keyword) => !annotations.has(keyword));
  if (options.dialect === 'draft-07' && ignored !== undefined) {
    report('schema-invalid', pointer, `draft-07 ignores "${ignored}" beside "$ref"; use allOf, or draft 2020-12`);
  }
}

function checkMembers(schema: JsonObject, pointer: string, mode: Mode, report: Report): void {
  if (mode !== 'open' || statesMembers(schema)) return;
  const listing = ['properties', 'patternProperties'].find((keyword) => Object.hasOwn(schema, keyword));
  if (listing === undefined) return;
  const advice = 'write "additionalProperties": false to refuse them or true to accept them';
  report('schema-open-object', pointer, `lists "${listing}" and does not say what happens to other members: ${advice}`);
}

export function statesMembers(schema: JsonObject): boolean {
  return Object.hasOwn(schema, 'additionalProperties') || Object.hasOwn(schema, 'unevaluatedProperties');
}

function refTarget(root: unknown, { schema, pointer, mode, chain }: Visit, report: Report): readonly Visit[] {
  if (!isJsonObject(schema)) return [];
  const ref = schema['$ref'];
  if (typeof ref !== 'string' || (ref !== '#' && !ref.startsWith('#/'))) return [];
  const target = resolveRef(root, ref);
  if (target === undefined || !(isJsonObject(target.schema) || typeof target.schema === 'boolean')) {
    report('schema-invalid', childPointer(pointer, '$ref'), `$ref ${JSON.stringify(ref)} points at no schema`);
    return [];
  }
  return [{ ...target, mode: sameMode(schema, mode), chain: [...chain, pointer] }];
}

/** The schema a local `$ref` points at; undefined when there is none. */
export function resolveRef(root: unknown, ref: string): { schema: unknown; pointer: string } | undefined {
  let schema = root;
  let pointer = '';
  for (const encoded of ref.split('/').slice(1)) {
    const token = unescapeToken(decode(encoded));
    if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, token)) return undefined;
    schema = (schema as JsonObject)[token];
    pointer = childPointer(pointer, token);
  }
  return { schema, pointer };
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function sameMode(schema: JsonObject, mode: Mode): Mode {
  return mode === 'open' && statesMembers(schema) ? 'stated' : mode;
}

function subschemas({ schema, pointer, mode, chain }: Visit): readonly Visit[] {
  if (!isJsonObject(schema)) return [];
  const found: Visit[] = [];
  for (const [keyword, { to, holds }] of applicators) {
    const value = schema[keyword];
    if (value === undefined || !Object.hasOwn(schema, keyword)) continue;
    const place = childPointer(pointer, keyword);
    const below = {
      mode: modeBelow(schema, mode, to),
      chain: to === 'same' || to === 'condition' ? [...chain, pointer] : [],
    };
    if (holds === 'one' || (holds === 'one-or-list' && !Array.isArray(value))) {
      found.push({ schema: value, pointer: place, ...below });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, entry] of Object.entries(value)) {
        found.push({ schema: entry, pointer: childPointer(place, name), ...below });
      }
    }
  }
  return found;
}

function modeBelow(schema: JsonObject, mode: Mode, to: 'same' | 'child' | 'condition' | 'never'): Mode {
  if (to === 'never' || mode === 'kept') return 'kept';
  if (to === 'condition' || mode === 'condition') return 'condition';
  return to === 'same' ? sameMode(schema, mode) : 'open';
}
