import { EvaluationError, type PolicyEngine } from './engine.ts';
import type { JsonObject } from './bundle/bundle.ts';
import type { PolicyInput } from './input.ts';

/** What a policy said. Only `allow` opens the way; the other two are refusals that are counted apart. */
export type Decision =
  | {
      readonly kind: 'allow';
      readonly rule: string;
      readonly reasons: readonly string[];
      /** What whoever enforces the decision must do besides forwarding; one it does not know must make it refuse. */
      readonly obligations: readonly JsonObject[];
      /** Headers to set on the request; names in lower case. Which of them a policy may set is the proxy's to say. */
      readonly headers: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'deny'; readonly rule: string; readonly reasons: readonly string[] }
  | { readonly kind: 'undecided'; readonly why: string };

const limits = {
  ruleLength: 256,
  reasons: 64,
  reasonLength: 1024,
  obligations: 32,
  obligationLength: 4096,
  headers: 32,
  headerValueLength: 4096,
} as const;

const members: ReadonlySet<string> = new Set(['allow', 'rule', 'reasons', 'obligations', 'headers']);

/** RFC 9110 section 5.1: a token; lower case, so that no two members name one header. */
const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** RFC 9110 section 5.5 without obs-text, and without spaces at the ends, which recipients trim. */
const headerValue = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Asks the engine. Whatever goes wrong is `undecided`: nothing thrown ever reaches the request path. */
export function decide(engine: PolicyEngine, input: PolicyInput): Decision {
  let raw: unknown;
  try {
    raw = engine.decide(input);
  } catch (thrown) {
    return undecided(thrown instanceof EvaluationError ? thrown.message : `the engine failed: ${describe(thrown)}`);
  }
  return readDecision(raw);
}

/**
 * Reads a raw result set, `[{ result }]`. Exactly `true`, or an object that follows the schema to the letter and says
 * `allow: true`, allows. There is no truthiness here: in CVE-2023-27488 and its like, what could not be understood
 * opened the door.
 */
export function readDecision(raw: unknown): Decision {
  try {
    return readResultSet(raw);
  } catch (thrown) {
    if (thrown instanceof Malformed) return undecided(thrown.message);
    // A proxy or a getter that throws: no engine of ours makes one.
    return undecided(`the result cannot be read: ${describe(thrown)}`);
  }
}

function readResultSet(raw: unknown): Decision {
  if (!Array.isArray(raw)) throw new Malformed('the engine gave no result set');
  const set = raw as readonly unknown[];
  if (set.length === 0) throw new Malformed('the entrypoint is undefined for this input');
  if (set.length !== 1) throw new Malformed(`the entrypoint has ${set.length} results`);
  const [row] = set;
  if (!isPlainObject(row) || Object.keys(row).length !== 1 || !Object.hasOwn(row, 'result')) {
    throw new Malformed('the result set does not have the form that OPA gives it');
  }
  const result = row['result'];
  if (result === true) return allow('', [], [], new Map());
  if (result === false) return deny('', []);
  if (!isPlainObject(result)) throw new Malformed(`the result is ${typeName(result)}, not a boolean or an object`);
  return readObject(result);
}

function readObject(result: JsonObject): Decision {
  // Object.keys leaves out symbols and hidden members, which JSON cannot make.
  const unknown = Object.keys(result).find((name) => !members.has(name));
  if (unknown !== undefined) throw new Malformed(`the result has an unknown member ${quote(unknown)}`);
  const verdict = member(result, 'allow');
  if (typeof verdict !== 'boolean') throw new Malformed(`allow is ${typeName(verdict)}, not a boolean`);
  const rule = readRule(member(result, 'rule'));
  const reasons = readReasons(member(result, 'reasons'));
  const obligations = readObligations(member(result, 'obligations'));
  const headers = readHeaders(member(result, 'headers'));
  return verdict ? allow(rule, reasons, obligations, headers) : deny(rule, reasons);
}

/** Own members only: `toString` of a prototype is not something the policy said. */
function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function readRule(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new Malformed(`rule is ${typeName(value)}, not a string`);
  if (value.length > limits.ruleLength) throw new Malformed('rule is too long');
  return value;
}

function readReasons(value: unknown): readonly string[] {
  return readArray('reasons', value, limits.reasons).map((reason) => {
    if (typeof reason !== 'string') throw new Malformed(`a reason is ${typeName(reason)}, not a string`);
    if (reason.length > limits.reasonLength) throw new Malformed('a reason is too long');
    return reason;
  });
}

function readObligations(value: unknown): readonly JsonObject[] {
  return readArray('obligations', value, limits.obligations).map((obligation) => {
    if (!isPlainObject(obligation)) throw new Malformed(`an obligation is ${typeName(obligation)}, not an object`);
    // Serialising measures it, refuses a cycle, and lets nothing through that is not JSON.
    const text = JSON.stringify(obligation);
    if (text.length > limits.obligationLength) throw new Malformed('an obligation is too long');
    return JSON.parse(text, (_, part: unknown) => Object.freeze(part)) as JsonObject;
  });
}

function readHeaders(value: unknown): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (value === undefined) return headers;
  if (!isPlainObject(value)) throw new Malformed(`headers is ${typeName(value)}, not an object`);
  const entries = Object.entries(value);
  if (entries.length > limits.headers) throw new Malformed(`headers has ${entries.length} members`);
  for (const [name, text] of entries) {
    if (!headerName.test(name)) throw new Malformed(`${quote(name)} is not a header name in lower case`);
    if (typeof text !== 'string') throw new Malformed(`header ${name} is ${typeName(text)}, not a string`);
    if (text.length > limits.headerValueLength || !headerValue.test(text)) {
      throw new Malformed(`the value of header ${name} is not one that may be sent`);
    }
    headers.set(name, text);
  }
  return headers;
}

function readArray(name: string, value: unknown, max: number): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Malformed(`${name} is ${typeName(value)}, not an array`);
  if (value.length > max) throw new Malformed(`${name} has ${value.length} members, at most ${max} are read`);
  return Array.from(value as readonly unknown[]);
}

function allow(
  rule: string,
  reasons: readonly string[],
  obligations: readonly JsonObject[],
  headers: ReadonlyMap<string, string>,
): Decision {
  return Object.freeze({
    kind: 'allow',
    rule,
    reasons: Object.freeze(reasons),
    obligations: Object.freeze(obligations),
    headers,
  });
}

function deny(rule: string, reasons: readonly string[]): Decision {
  return Object.freeze({ kind: 'deny', rule, reasons: Object.freeze(reasons) });
}

function undecided(why: string): Decision {
  return Object.freeze({ kind: 'undecided', why });
}

/** Internal to this file: `readDecision` turns it into `undecided`. */
class Malformed extends Error {
  override readonly name = 'Malformed';
}

function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function typeName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : 'something that is no error';
}
