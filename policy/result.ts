import type { HeaderLine } from './verdict.ts';

/**
 * How the members of a policy's result are read, whatever shape the whole has. Everything is bounded before it is looked
 * through, and there is no truthiness: what is not exactly of the type that is promised is Malformed.
 */

/** Plain JSON, as an engine gives it. */
export type ResultObject = { readonly [name: string]: unknown };

/** Internal to reading a result: `readDecision` turns it into `undecided`. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

const limits = { headers: 32, headerValueLength: 4096, headersLength: 16_384 } as const;

/** RFC 9110 section 5.1: a token; lower case, so that no two members name one header. */
const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** RFC 9110 section 5.5 without obs-text, and without spaces at the ends, which recipients trim. */
const headerValue = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Refuses members that nobody would enforce. Symbols and hidden members are not looked at: JSON cannot make them. */
export function requireKnown(result: ResultObject, known: ReadonlySet<string>): void {
  for (const name of Object.keys(result)) if (!known.has(name)) refuseUnknown(name);
}

export function refuseUnknown(name: string): never {
  throw new Malformed(`the result has an unknown member ${quote(name)}`);
}

/** Own members only: `toString` of a prototype is not something the policy said. */
export function member(object: ResultObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function readVerdict(name: string, verdict: unknown): boolean {
  if (typeof verdict !== 'boolean') throw new Malformed(`${name} is ${typeName(verdict)}, not a boolean`);
  return verdict;
}

const none: readonly never[] = Object.freeze([]);

export function readArray(name: string, value: unknown, max: number): readonly unknown[] {
  if (value === undefined) return none;
  if (!Array.isArray(value)) throw new Malformed(`${name} is ${typeName(value)}, not an array`);
  if (value.length > max) throw new Malformed(`${name} has ${value.length} members, at most ${max} are read`);
  return Array.from(value as readonly unknown[]);
}

/** Sorted: an object has no order in Rego, and engines differ in what they make of that. */
export function readObject(name: string, value: unknown, max: number): readonly (readonly [string, unknown])[] {
  if (!isPlainObject(value)) throw new Malformed(`${name} is ${typeName(value)}, not an object`);
  const entries = Object.entries(value);
  if (entries.length > max) throw new Malformed(`${name} has ${entries.length} members, at most ${max} are read`);
  return entries.length < 2 ? entries : entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** An object of names in lower case, each with one value. */
export function readHeaders(value: unknown): readonly HeaderLine[] {
  if (value === undefined) return none;
  return bounded(readObject('headers', value, limits.headers).map(([name, text]) => readLine(name, text)));
}

/**
 * The forms of the OPA-Envoy plugin: an object of names in any case, each with one value or a list of them, or a list of
 * such objects, whose order is kept.
 */
export function readHeaderLists(name: string, value: unknown): readonly HeaderLine[] {
  if (value === undefined) return none;
  const lines: HeaderLine[] = [];
  if (!Array.isArray(value)) readLines(name, value, lines);
  else for (const object of readArray(name, value, limits.headers)) readLines(name, object, lines);
  return lines;
}

function readLines(name: string, object: unknown, lines: HeaderLine[]): void {
  const seen: string[] = [];
  for (const [given, values] of readObject(name, object, limits.headers)) {
    const field = given.toLowerCase();
    // Which of the two counts would be an accident of their order.
    if (seen.includes(field)) throw new Malformed(`${name} has ${quote(given)} in two spellings`);
    seen.push(field);
    if (!Array.isArray(values)) lines.push(readLine(field, values));
    else
      for (const text of readArray(`header ${quote(given)}`, values, limits.headers)) lines.push(readLine(field, text));
  }
  bounded(lines);
}

/** Names of headers, in lower case whatever they were in. */
export function readHeaderNames(name: string, value: unknown): readonly string[] {
  if (value === undefined) return none;
  return readArray(name, value, limits.headers).map((given) => {
    if (typeof given !== 'string') throw new Malformed(`a member of ${name} is ${typeName(given)}, not a string`);
    return readName(given.toLowerCase());
  });
}

function readLine(name: string, text: unknown): HeaderLine {
  readName(name);
  if (typeof text !== 'string') throw new Malformed(`header ${name} is ${typeName(text)}, not a string`);
  if (text.length > limits.headerValueLength || !headerValue.test(text)) {
    throw new Malformed(`the value of header ${name} is not one that may be sent`);
  }
  return [name, text];
}

function readName(name: string): string {
  if (!headerName.test(name)) throw new Malformed(`${quote(name)} is not a header name in lower case`);
  return name;
}

function bounded(lines: readonly HeaderLine[]): readonly HeaderLine[] {
  if (lines.length > limits.headers) throw new Malformed(`more than ${limits.headers} header lines`);
  let length = 0;
  for (const [name, value] of lines) length += name.length + value.length;
  if (length > limits.headersLength) throw new Malformed(`more than ${limits.headersLength} characters of headers`);
  return lines;
}

export function isPlainObject(value: unknown): value is ResultObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function typeName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

export function quote(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}
