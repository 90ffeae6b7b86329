import { survivesAsDouble } from '../json/number.ts';
import { childPointer, shortPointer } from '../json/pointer.ts';
import { resolveRef, statesMembers } from './check.ts';
import { isJsonObject, type JsonObject } from '../json/json-object.ts';
import type { SchemaProblem } from './problem.ts';
import type { SchemaViolation } from './violation.ts';

type ScalarType = 'string' | 'integer' | 'number' | 'boolean';
type ParameterType = { readonly type: ScalarType; readonly repeats: boolean };
type Scalar = string | number | boolean;

export type ParameterTypes = ReadonlyMap<string, ParameterType>;

const scalarTypes: ReadonlySet<unknown> = new Set<ScalarType>(['string', 'integer', 'number', 'boolean']);
const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const integerPattern = /^-?(?:0|[1-9][0-9]*)$/;

/** What type the text of each parameter is read as. */
export function readParameterTypes(root: unknown): { types: ParameterTypes; problems: readonly SchemaProblem[] } {
  const types = new Map<string, ParameterType>();
  const problems: SchemaProblem[] = [];
  if (!isJsonObject(root) || (root['type'] ?? 'object') !== 'object') {
    problems.push(problemAt('', 'must be an object schema whose "properties" are the parameters'));
    return { types, problems };
  }
  const properties = isJsonObject(root['properties']) ? root['properties'] : {};
  for (const [name, declared] of Object.entries(properties)) {
    const type = parameterType(root, declared);
    if (type !== undefined) types.set(name, type);
    else problems.push(problemAt(childPointer('/properties', name), 'needs one "type" that a parameter can have'));
  }
  return { types, problems };
}

function problemAt(pointer: string, message: string): SchemaProblem {
  return { code: 'schema-parameter-type', pointer, message };
}

function parameterType(root: JsonObject, declared: unknown): ParameterType | undefined {
  const schema = followRef(root, declared);
  if (schema?.['type'] !== 'array') return scalarType(schema, false);
  return scalarType(followRef(root, schema['items']), true);
}

function scalarType(schema: JsonObject | undefined, repeats: boolean): ParameterType | undefined {
  const type = schema?.['type'];
  return scalarTypes.has(type) ? { type: type as ScalarType, repeats } : undefined;
}

function followRef(root: JsonObject, declared: unknown): JsonObject | undefined {
  let schema = declared;
  for (let steps = 0; isJsonObject(schema) && typeof schema['$ref'] === 'string' && steps < 8; steps++) {
    schema = resolveRef(root, schema['$ref'])?.schema;
  }
  return isJsonObject(schema) ? schema : undefined;
}

/** Unlisted parameters are refused unless the schema says otherwise: the list is what a route documents. */
export function closeParameters(root: unknown): unknown {
  return isJsonObject(root) && !statesMembers(root) ? { ...root, additionalProperties: false } : root;
}

type Read = { readonly ok: true; readonly value: object } | { readonly ok: false; readonly violation: SchemaViolation };

/** The parameters as a JSON object of its own: what is forwarded stays the text. */
export function readParameters(parameters: ReadonlyMap<string, readonly string[]>, types: ParameterTypes): Read {
  // Without a prototype, a parameter named __proto__ is a member like any other.
  const value = Object.create(null) as Record<string, Scalar | readonly Scalar[]>;
  for (const [name, texts] of parameters) {
    const { type, repeats } = types.get(name) ?? { type: 'string', repeats: false };
    const scalars = texts.map((text) => readScalar(text, type));
    if (scalars.includes(undefined)) return violation(name, `must be ${type}`);
    if (repeats) value[name] = scalars as readonly Scalar[];
    else if (scalars.length > 1) return violation(name, 'must be given once');
    else if (scalars[0] !== undefined) value[name] = scalars[0];
  }
  return { ok: true, value };
}

function violation(name: string, message: string): Read {
  return { ok: false, violation: { pointer: shortPointer(childPointer('', name)), keyword: 'type', message } };
}

/** JSON's own spelling only: what a lenient reader takes for a number (` 1`, `0x1`, `1_000`) is none here. */
function readScalar(text: string, type: ScalarType): Scalar | undefined {
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  const pattern = type === 'integer' ? integerPattern : numberPattern;
  return pattern.test(text) && survivesAsDouble(text) ? Number(text) : undefined;
}
