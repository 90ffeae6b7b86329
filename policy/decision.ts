import type { JsonObject } from './bundle/bundle.ts';
import { EvaluationError, type PolicyEngine } from './engine.ts';
import { readEnvoyResult } from './envoy-result.ts';
import type { PolicyInput } from './input.ts';
import {
  isPlainObject,
  Malformed,
  member,
  readArray,
  readHeaders,
  readVerdict,
  requireKnown,
  type ResultObject,
  typeName,
} from './result.ts';
import type { Changes, Decision, HeaderLine } from './verdict.ts';

const limits = {
  ruleLength: 256,
  reasons: 64,
  reasonLength: 1024,
  obligations: 32,
  obligationLength: 4096,
} as const;

const members: ReadonlySet<string> = new Set(['allow', 'rule', 'reasons', 'obligations', 'headers']);

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
 * Reads a raw result set, `[{ result }]`. Exactly `true`, or an object that follows one of two schemas to the letter and
 * says `allow: true` (ours) or `allowed: true` (that of the OPA-Envoy plugin), allows. There is no truthiness here: in
 * CVE-2023-27488 and its like, what could not be understood opened the door.
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
  if (result === true) return allow('', [], [], []);
  if (result === false) return deny('', [], []);
  if (!isPlainObject(result)) throw new Malformed(`the result is ${typeName(result)}, not a boolean or an object`);
  return Object.hasOwn(result, 'allowed') ? readEnvoyResult(result) : readOwnResult(result);
}

function readOwnResult(result: ResultObject): Decision {
  requireKnown(result, members);
  const verdict = readVerdict('allow', member(result, 'allow'));
  const rule = readRule(member(result, 'rule'));
  const reasons = readReasons(member(result, 'reasons'));
  const obligations = readObligations(member(result, 'obligations'));
  const headers = readHeaders(member(result, 'headers'));
  return verdict ? allow(rule, reasons, obligations, headers) : deny(rule, reasons, obligations);
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

function allow(
  rule: string,
  reasons: readonly string[],
  obligations: readonly JsonObject[],
  headers: readonly HeaderLine[],
): Decision {
  const changes = Object.freeze({ ...unchanged, headers });
  return Object.freeze({
    kind: 'allow',
    rule,
    reasons: Object.freeze(reasons),
    obligations: Object.freeze(obligations),
    changes,
  });
}

const unchanged: Changes = { headers: [], removeHeaders: [], query: undefined, responseHeaders: [] };

function deny(rule: string, reasons: readonly string[], obligations: readonly JsonObject[]): Decision {
  return Object.freeze({
    kind: 'deny',
    rule,
    reasons: Object.freeze(reasons),
    obligations: Object.freeze(obligations),
  });
}

function undecided(why: string): Decision {
  return Object.freeze({ kind: 'undecided', why });
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : 'something that is no error';
}
