import { Ajv, type ErrorObject } from 'ajv';
import { compileLinearRegex, RegexSyntaxError } from '../linear-regex.ts';
import { formats } from '../schema.ts';
import { boundWork } from './bounded-work.ts';
import { isJsonObject, type JsonObject } from '../json/json-object.ts';
import { applicators, refusedKeywords } from './dialect.ts';
import { replacedKeywords } from './keywords.ts';
import { metaSchemaProblems } from './meta-schema.ts';

/*
 * JSON Schema as OPA's `json.match_schema` takes it: drafts 4 to 7 at once, unknown keywords and formats ignored, Go's
 * patterns. The schemas of routes are read strictly instead, in `policy/schema.ts`.
 */

/** A schema that cannot be used; says why. */
export class UnusableSchema extends Error {}

export type Fault = {
  readonly keyword: string;
  /** RFC 6901 */
  readonly pointer: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What the keyword says in the schema. */
  readonly said: unknown;
  readonly data: unknown;
};

/** Every fault of a value; undefined when it takes too many steps to tell. */
export type LenientCheck = (value: unknown) => readonly Fault[] | undefined;

/** Those that gojsonschema checks, which OPA uses; it ignores all others. */
const knownFormats: ReadonlySet<string> = new Set(
  'date time date-time hostname email ipv4 ipv6 uri uri-reference uri-template uuid json-pointer relative-json-pointer'.split(
    ' ',
  ),
);

/** Throws UnusableSchema. */
export function compileLenient(source: unknown): LenientCheck {
  const schema = normalise(source, isHybrid(source));
  const [problem] = metaSchemaProblems(schema, 'draft-07');
  if (problem !== undefined) throw new UnusableSchema(`${problem.pointer} ${problem.message}`);
  const ajv = createAjv();
  const run = boundWork(ajv, schema);
  const check = compile(ajv, schema);
  return (value) => {
    const valid = run(check, value);
    return valid === undefined ? undefined : valid ? [] : faultsOf(check.errors ?? []);
  };
}

function createAjv(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    ownProperties: true,
    strict: false,
    validateSchema: false,
    meta: false,
    logger: false,
    code: { regExp: Object.assign(compilePattern, { code: 'compilePattern' }) },
    formats: Object.fromEntries([...formats].filter(([name]) => knownFormats.has(name))),
  });
  for (const definition of replacedKeywords) ajv.removeKeyword(definition.keyword).addKeyword(definition);
  return ajv;
}

function compilePattern(pattern: string) {
  const { test } = compileLinearRegex(pattern);
  // ajv tells compiled patterns apart by their text.
  return { test, toString: () => `/${pattern}/u` };
}

function compile(ajv: Ajv, schema: boolean | object) {
  try {
    return ajv.compile(schema);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UnusableSchema(error.message);
  }
}

/** Of a value of another type nothing more is said. */
function faultsOf(errors: readonly ErrorObject[]): readonly Fault[] {
  const mistyped = new Map<unknown, Set<string>>();
  for (const { keyword, parentSchema, instancePath } of errors) {
    if (keyword !== 'type') continue;
    mistyped.set(parentSchema, (mistyped.get(parentSchema) ?? new Set()).add(instancePath));
  }
  const isTold = ({ keyword, parentSchema, instancePath }: ErrorObject) =>
    keyword === 'type' || mistyped.get(parentSchema)?.has(instancePath) !== true;
  return errors.filter(isTold).map(faultOf);
}

function faultOf({ keyword, instancePath, params, schema, data }: ErrorObject): Fault {
  return { keyword, pointer: instancePath, params: params as Fault['params'], said: schema, data };
}

const dropped = new Set([...refusedKeywords.keys(), '$id', '$schema', '$comment']);

/** Without `$schema`, draft 4 and the later ones are understood side by side. */
function isHybrid(schema: unknown): boolean {
  const dialect = isJsonObject(schema) ? schema['$schema'] : undefined;
  return typeof dialect !== 'string' || !/draft-0[67]/.test(dialect);
}

/** Draft 4 to 6 in the words of draft 7, without what could name another schema. */
function normalise(schema: unknown, hybrid: boolean): boolean | JsonObject {
  if (typeof schema === 'boolean') return schema;
  if (!isJsonObject(schema)) throw new UnusableSchema('a schema must be an object or a boolean');
  const ref = Object.hasOwn(schema, '$ref') ? schema['$ref'] : undefined;
  if (typeof ref === 'string') return normalRef(schema, ref, hybrid);
  const made: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    // ajv leaves a schema for it out.
    if (keyword === '__proto__') throw new UnusableSchema('a schema must not name __proto__');
    if (!dropped.has(keyword)) made[keyword] = normalKeyword(keyword, value, hybrid);
  }
  checkLengths(made);
  if (hybrid) exclusive(made, 'minimum', 'exclusiveMinimum');
  if (hybrid) exclusive(made, 'maximum', 'exclusiveMaximum');
  return made;
}

/** Up to draft 7, what stands beside a `$ref` is ignored; definitions may be pointed at all the same. */
function normalRef(schema: JsonObject, ref: string, hybrid: boolean): JsonObject {
  if (ref !== '#' && !ref.startsWith('#/'))
    throw new UnusableSchema(`$ref ${JSON.stringify(ref)} is not in the schema`);
  const definitions = schema['definitions'];
  return definitions === undefined
    ? { $ref: ref }
    : { $ref: ref, definitions: normalKeyword('definitions', definitions, hybrid) };
}

function normalKeyword(keyword: string, value: unknown, hybrid: boolean): unknown {
  if (keyword === 'type') checkTypes(value);
  // Here, because ajv does not look at definitions that nothing refers to.
  if (keyword === 'pattern' && typeof value === 'string') checkPattern(value);
  if (keyword === 'patternProperties' && isJsonObject(value)) Object.keys(value).forEach(checkPattern);
  const holds = applicators.get(keyword)?.holds;
  if (holds === undefined) return value;
  if (Array.isArray(value)) return holds === 'one' ? value : value.map((part) => normalise(part, hybrid));
  if (holds !== 'map' || !isJsonObject(value)) return normalise(value, hybrid);
  if (Object.hasOwn(value, '__proto__')) throw new UnusableSchema('a schema must not name __proto__');
  // A dependency may be a list of names.
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? part : normalise(part, hybrid)]),
  );
}

function checkPattern(pattern: string): void {
  try {
    compileLinearRegex(pattern);
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new UnusableSchema(`pattern must be a valid regex: ${error.message}`);
    throw error;
  }
}

function checkLengths({ minLength, maxLength }: JsonObject): void {
  if (typeof minLength === 'number' && typeof maxLength === 'number' && minLength > maxLength) {
    throw new UnusableSchema('minLength cannot be greater than maxLength');
  }
}

const typeNames = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string'];

function checkTypes(types: unknown): void {
  for (const type of Array.isArray(types) ? types : [types]) {
    if (typeNames.includes(type as string)) continue;
    const given = typeof type === 'string' ? type : JSON.stringify(type);
    throw new UnusableSchema(
      `has a primitive type that is NOT VALID -- given: /${given}/ Expected valid values are:[${typeNames.join(' ')}]`,
    );
  }
}

/** In draft 4 `exclusiveMinimum` is a boolean that sharpens `minimum`. */
function exclusive(schema: Record<string, unknown>, limit: string, keyword: string): void {
  if (typeof schema[keyword] !== 'boolean') return;
  if (schema[keyword]) {
    schema[keyword] = schema[limit];
    delete schema[limit];
  } else delete schema[keyword];
}
