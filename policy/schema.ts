import { createHash } from 'node:crypto';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { childPointer, shortPointer } from './json/pointer.ts';
import { readStrictJson } from './json/strict-json.ts';
import { boundWork } from './schema/bounded-work.ts';
import { checkSchema } from './schema/check.ts';
import { forgetItems } from './schema/contains.ts';
import { type Dialect, dialectOf } from './schema/dialect.ts';
import { linearFormats } from './schema/formats.ts';
import { replacedKeywords } from './schema/keywords.ts';
import { compileLinearPattern, type LinearPattern } from './schema/linear-pattern.ts';
import { metaSchemaProblems } from './schema/meta-schema.ts';
import { closeParameters, readParameters, readParameterTypes } from './schema/parameters.ts';
import { SchemaError, type SchemaProblem } from './schema/problem.ts';
import { compareLengths } from './schema/text-length.ts';
import { watchUnevaluated } from './schema/unevaluated.ts';
import type { SchemaViolation } from './schema/violation.ts';

export type SchemaValidator = {
  /** `sha256:` and the digest of the schema file's bytes, for audit records. */
  readonly digest: string;
  /** Never changes the value, and never throws for any JSON value. */
  readonly validate: (value: unknown) => SchemaViolation | undefined;
};

export type ParameterValidator = {
  readonly digest: string;
  /** Every value of each parameter, percent-decoded, in order. */
  readonly validate: (parameters: ReadonlyMap<string, readonly string[]>) => SchemaViolation | undefined;
};

export const formats = linearFormats((name, mode) => ajvFormats.default.get(name, mode));

/** Of the schema files themselves; each level of a document takes two or three. */
const maxSchemaDepth = 256;

/** Compiles the text of a schema file for request and response bodies. Throws SchemaError with every problem. */
export function compileSchema(text: string | Uint8Array, name: string): SchemaValidator {
  const { schema, dialect, digest } = readSchema(text, name);
  return Object.freeze({ digest, validate: compileValue(schema, dialect, name) });
}

/**
 * Compiles the text of a schema file for query or path parameters: an object schema with one member per parameter. A
 * schema that does not mention unlisted parameters refuses them. Throws SchemaError with every problem.
 */
export function compileParameters(text: string | Uint8Array, name: string): ParameterValidator {
  const { schema, dialect, digest } = readSchema(text, name);
  const { types, problems } = readParameterTypes(schema);
  throwIfAny(name, problems);
  const validate = compileValue(closeParameters(schema), dialect, name);
  return Object.freeze({
    digest,
    validate: (parameters: ReadonlyMap<string, readonly string[]>) => {
      const read = readParameters(parameters, types);
      return read.ok ? validate(read.value) : read.violation;
    },
  });
}

function readSchema(text: string | Uint8Array, name: string) {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  const json = readStrictJson(bytes, { maxDepth: maxSchemaDepth });
  if (!json.ok) {
    const { detail, offset, pointer } = json.problem;
    throw new SchemaError(name, [{ code: 'schema-invalid', pointer, message: `${detail} (byte ${offset})` }]);
  }
  const dialect = dialectOf(json.value);
  if (dialect === undefined) {
    const message = 'only "https://json-schema.org/draft/2020-12/schema" and "http://json-schema.org/draft-07/schema#"';
    throw new SchemaError(name, [{ code: 'schema-invalid', pointer: '/$schema', message: `${message} are supported` }]);
  }
  return { schema: json.value, dialect, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function compileValue(schema: unknown, dialect: Dialect, name: string): SchemaValidator['validate'] {
  const warnings: SchemaProblem[] = [];
  const compilePattern = patternCache();
  const ajv = createAjv(dialect, compilePattern, (warning) => warnings.push(strictProblem(warning)));
  const isKeyword = (keyword: string) => Object.hasOwn(ajv.RULES.keywords, keyword);
  throwIfAny(name, [
    ...metaSchemaProblems(schema, dialect),
    ...checkSchema(schema, { dialect, isKeyword, compilePattern, formats: [...formats.keys()] }),
  ]);
  const run = boundWork(ajv, schema);
  const unevaluated = watchUnevaluated(ajv, schema);
  const check = compileWith(ajv, schema, warnings);
  throwIfAny(name, [...warnings, ...unevaluated()]);
  return (value) => {
    const valid = run(check, value);
    if (valid === undefined) return { pointer: '', keyword: '$ref', message: 'takes too many steps to check' };
    return valid ? undefined : violationOf(check.errors ?? []);
  };
}

function throwIfAny(name: string, problems: readonly SchemaProblem[]): void {
  const [first, ...others] = problems;
  if (first !== undefined) throw new SchemaError(name, [first, ...others]);
}

function compileWith(ajv: Ajv, schema: unknown, problems: SchemaProblem[]): ValidateFunction {
  try {
    return ajv.compile(schema as boolean | object);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    problems.push({ code: 'schema-invalid', pointer: '', message });
    return ajv.compile(false);
  }
}

const baseOptions: Options = {
  // `required: ["toString"]` would otherwise find one in {}.
  ownProperties: true,
  // Reported through the logger, so that all of them are; any one refuses the schema.
  strict: 'log',
  strictNumbers: true,
  strictRequired: false,
  allowUnionTypes: true,
  // Only to keep ajv from running the schema's patterns on V8.
  allowMatchingProperties: true,
  // Checked beforehand, by code that was made once and for all.
  validateSchema: false,
  meta: false,
};

/** A new instance for each schema: it holds on to what it compiles, and one schema must not resolve into another. */
function createAjv(
  dialect: Dialect,
  compilePattern: (pattern: string) => LinearPattern,
  warn: (message: string) => void,
): Ajv {
  const options: Options = {
    ...baseOptions,
    logger: { log: warn, warn, error: warn },
    code: { regExp: Object.assign(compilePattern, { code: 'compilePattern' }) },
    formats: Object.fromEntries(formats),
  };
  const ajv = dialect === '2020-12' ? new Ajv2020(options) : new Ajv(options);
  for (const definition of replacedKeywords) ajv.removeKeyword(definition.keyword).addKeyword(definition);
  compareLengths(ajv);
  forgetItems(ajv);
  return ajv;
}

/** Members that are wrong by being there or by being missing, and what is said of them. */
const memberKeywords: ReadonlyMap<string, readonly [parameter: string, message: string]> = new Map([
  ['additionalProperties', ['additionalProperty', 'is not a known member']],
  ['unevaluatedProperties', ['unevaluatedProperty', 'is not a known member']],
  ['propertyNames', ['propertyName', 'is not an allowed member name']],
  ['required', ['missingProperty', 'is required']],
  ['dependentRequired', ['missingProperty', 'is required beside another member']],
  ['dependencies', ['missingProperty', 'is required beside another member']],
]);

/** ajv puts the error of an enclosing anyOf, oneOf or contains last; that of `if` says less than the one before. */
function violationOf(errors: readonly ErrorObject[]): SchemaViolation {
  const last = errors.at(-1);
  const error = last?.keyword === 'if' ? (errors.at(-2) ?? last) : last;
  if (error === undefined) return { pointer: '', keyword: '', message: 'is not valid' };
  const { keyword, instancePath, message = 'is not valid' } = error;
  const [parameter = '', told = message] = memberKeywords.get(keyword) ?? [];
  const member: unknown = (error.params as Readonly<Record<string, unknown>>)[parameter];
  const pointer = typeof member === 'string' ? childPointer(instancePath, member) : instancePath;
  return { pointer: shortPointer(pointer), keyword, message: told };
}

/** Patterns are compiled for the check and once more by ajv. */
function patternCache(): (pattern: string) => LinearPattern {
  const compiled = new Map<string, LinearPattern>();
  return (pattern) => {
    const known = compiled.get(pattern) ?? compileLinearPattern(pattern);
    compiled.set(pattern, known);
    return known;
  };
}

/** `strict mode: missing type "object" for keyword "required" at "#/properties/a" (strictTypes)`, and its variants. */
function strictProblem(warning: string): SchemaProblem {
  const text = warning.replace(/^strict mode: /, '');
  const [, message = text, fragment = ''] = /^(.*) at (?:path )?"[^"#]*#([^"]*)"(?: \(\w+\))?$/s.exec(text) ?? [];
  return { code: 'schema-invalid', pointer: decodeURIComponent(fragment), message };
}
