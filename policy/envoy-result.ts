import {
  isPlainObject,
  Malformed,
  member,
  quote,
  readArray,
  readHeaderLists,
  readHeaderNames,
  readObject,
  readVerdict,
  requireKnown,
  type ResultObject,
  typeName,
} from './result.ts';
import { jsonText } from './value/text.ts';
import type { PlainObject } from './value/value.ts';
import type { CustomAnswer, Decision, HeaderLine, QueryChanges } from './verdict.ts';

const limits = {
  bodyBytes: 65_536,
  metadataLength: 2048,
  parameters: 32,
  parameterNameLength: 128,
  parameterValueLength: 1024,
} as const;

export const envoyMembers: ReadonlySet<string> = new Set([
  'allowed',
  'headers',
  'response_headers_to_add',
  'request_headers_to_remove',
  'query_parameters_to_set',
  'query_parameters_to_remove',
  'http_status',
  'body',
  'dynamic_metadata',
]);

/**
 * Reads the result that the OPA-Envoy plugin defines, so that Rego written for it is enforced as it was meant. Every
 * member is read whatever the verdict, because a policy that gives garbage is not one to trust; which of them count
 * follows from the verdict, as there: `headers` are for the workload when it is allowed, and for the client otherwise.
 */
export function readEnvoyResult(result: ResultObject): Decision {
  requireKnown(result, envoyMembers);
  const allowed = readVerdict(result, 'allowed');
  const headers = readHeaderLists('headers', member(result, 'headers'));
  const responseHeaders = readHeaderLists('response_headers_to_add', member(result, 'response_headers_to_add'));
  const removeHeaders = readHeaderNames('request_headers_to_remove', member(result, 'request_headers_to_remove'));
  const query = readQueryChanges(result);
  const status = readStatus(member(result, 'http_status'));
  const body = readBody(member(result, 'body'));
  const metadata = readMetadata(member(result, 'dynamic_metadata'));
  if (!allowed)
    return Object.freeze({ kind: 'deny', rule: '', reasons: [], ...customAnswer(status, headers, body), ...metadata });
  requireDisjoint('header', headers, removeHeaders);
  return Object.freeze({
    kind: 'allow',
    rule: '',
    reasons: [],
    obligations: [],
    changes: Object.freeze({ headers, removeHeaders, query, responseHeaders }),
    ...metadata,
  });
}

/**
 * A client believes what it is told: a denial that claimed success, or that what the client has is still good (304), would
 * be none. To lead elsewhere, to a login page for one, is an answer.
 */
function customAnswer(
  status: number | undefined,
  headers: readonly HeaderLine[],
  body: string | undefined,
): { readonly answer?: CustomAnswer } {
  if (status === undefined && headers.length === 0 && body === undefined) return {};
  const code = status ?? 403;
  if (code < 300 || code === 304) throw new Malformed(`http_status ${code} is none of a denial`);
  return { answer: Object.freeze({ status: code, headers, body }) };
}

function readStatus(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 100 || value > 599) {
    throw new Malformed(`http_status is not a number from 100 to 599`);
  }
  return value;
}

function readBody(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new Malformed(`body is ${typeName(value)}, not a string`);
  // The length first: to measure 10 MB in bytes costs something.
  if (value.length > limits.bodyBytes || Buffer.byteLength(value) > limits.bodyBytes) {
    throw new Malformed(`body has more than ${limits.bodyBytes} bytes`);
  }
  if (!value.isWellFormed()) throw new Malformed('body has half a character');
  return value;
}

function readMetadata(value: unknown): { readonly metadata?: string } {
  if (value === undefined) return {};
  if (!isPlainObject(value)) throw new Malformed(`dynamic_metadata is ${typeName(value)}, not an object`);
  // Integers beyond 2^53 are bigints here, of which JSON.stringify knows nothing.
  const metadata = jsonText(value as PlainObject);
  if (metadata.length > limits.metadataLength) throw new Malformed('dynamic_metadata is too long');
  return { metadata };
}

function readQueryChanges(result: ResultObject): QueryChanges | undefined {
  const toSet = member(result, 'query_parameters_to_set');
  const toRemove = member(result, 'query_parameters_to_remove');
  if (toSet === undefined && toRemove === undefined) return undefined;
  const set = toSet === undefined ? [] : readParameters(toSet);
  const remove = readArray('query_parameters_to_remove', toRemove, limits.parameters).map((name) =>
    readText('query_parameters_to_remove', name, limits.parameterNameLength),
  );
  requireDisjoint('query parameter', set, remove);
  return set.length + remove.length === 0 ? undefined : Object.freeze({ set, remove });
}

function readParameters(value: unknown): readonly (readonly [string, string])[] {
  const parameters = readObject('query_parameters_to_set', value, limits.parameters).flatMap(([name, values]) => {
    readText('query_parameters_to_set', name, limits.parameterNameLength);
    const texts = Array.isArray(values)
      ? readArray(`query parameter ${quote(name)}`, values, limits.parameters)
      : [values];
    return texts.map(
      (text) => [name, readText(`query parameter ${quote(name)}`, text, limits.parameterValueLength)] as const,
    );
  });
  if (parameters.length > limits.parameters) throw new Malformed(`more than ${limits.parameters} query parameters`);
  return parameters;
}

/** Text that a client could have sent in a query: no control characters, and whole characters only. */
function readText(what: string, value: unknown, max: number): string {
  if (typeof value !== 'string') throw new Malformed(`${what}: ${typeName(value)}, not a string`);
  if (value.length > max) throw new Malformed(`${what}: too long`);
  if (!value.isWellFormed() || /[\x00-\x1f\x7f]/.test(value))
    throw new Malformed(`${what}: a character that is not text`);
  return value;
}

/** Set and removed at once: which of the two was meant is a guess. */
function requireDisjoint(what: string, set: readonly (readonly [string, string])[], removed: readonly string[]): void {
  const both = set.find(([name]) => removed.includes(name));
  if (both !== undefined) throw new Malformed(`${what} ${quote(both[0])} is set and removed`);
}
