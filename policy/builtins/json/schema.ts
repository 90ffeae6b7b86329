import { compileLenient, type LenientCheck, UnusableSchema } from '../../schema/lenient.ts';
import { isTooDeep } from '../../value/read-json.ts';
import { jsonText } from '../../value/text.ts';
import { isArray, isObject, type Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { schemaErrorValue } from './schema-error.ts';

/** Measured: 7 us for a character of the schema. */
const stepsPerCharacter = 140;
const maxSchemaLength = 65_536;
/** A check may look at each part of the value once for each part of the schema. */
const charactersPerStep = 128;

/** The JSON of an operand: of a string it is the content. */
function jsonOf(operand: Value | undefined): string {
  if (isObject(operand) || isArray(operand)) return jsonText(operand);
  if (typeof operand === 'string') return operand;
  throw new BuiltinError('wrong type, expected string or object');
}

/** Numbers become doubles: neither side is exact beyond 2^53 - 1. */
function parse(json: string): unknown {
  if (isTooDeep(json)) throw new BuiltinError('the JSON is nested too deep');
  try {
    return JSON.parse(json);
  } catch {
    throw new BuiltinError('invalid JSON string');
  }
}

/** A policy asks with the same schema for every request; compiling one takes milliseconds. Oldest first. */
const compiled = new Map<string, LenientCheck>();
const maxCompiled = 32;

function compile(context: BuiltinContext, json: string): LenientCheck {
  const known = compiled.get(json);
  if (known !== undefined) return known;
  if (json.length > maxSchemaLength) throw new BuiltinError(`a schema has at most ${maxSchemaLength} characters`);
  context.charge(json.length * stepsPerCharacter);
  const check = compileOrFail(parse(json));
  compiled.set(json, check);
  const [oldest] = compiled.keys();
  if (compiled.size > maxCompiled && oldest !== undefined) compiled.delete(oldest);
  return check;
}

function compileOrFail(schema: unknown): LenientCheck {
  try {
    return compileLenient(schema);
  } catch (error) {
    if (error instanceof UnusableSchema) throw new BuiltinError(error.message);
    if (error instanceof RangeError) throw new BuiltinError('the schema is nested too deep');
    throw error;
  }
}

function match(context: BuiltinContext, document: Value | undefined, schema: Value | undefined): Value {
  const documentJson = jsonOf(document);
  const schemaJson = jsonOf(schema);
  const value = parse(documentJson);
  const check = compile(context, schemaJson);
  context.charge(Math.ceil((documentJson.length * schemaJson.length) / charactersPerStep));
  const faults = check(value);
  if (faults === undefined) throw new BuiltinError('the document takes too many steps to check');
  return [faults.length === 0, faults.map(schemaErrorValue)];
}

function verify(context: BuiltinContext, schema: Value | undefined): Value {
  try {
    compile(context, jsonOf(schema));
    return [true, null];
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    return [false, `jsonschema: ${error.message}`];
  }
}

export const jsonSchemaBuiltins: Builtins = { 'json.match_schema': match, 'json.verify_schema': verify };
