import {
  isPlainObject,
  Malformed,
  quote,
  readArray,
  readHeaderLists,
  readHeaderNames,
  readObject,
  readVerdict,
  refuseUnknown,
  type ResultObject,
  typeName,
} from './result.ts';
import { jsonText } from './value/text.ts';
import type { PlainObject } from './value/value.ts';
import type { Changes, CustomAnswer, Decision, HeaderLine, QueryChanges } from './verdict.ts';

const limits = {
  bodyBytes: 65_536,
  metadataLength: 2048,
  parameters: 32,
  parameterNameLength: 128,
  parameterValueLength: 1024,
} as const;

/** What the policy gave for each member; undefined where it gave nothing. */
type EnvoyMembers = {
  allowed: unknown;
  headers: unknown;
  response_headers_to_add: unknown;
  request_headers_to_remove: unknown;
  query_parameters_to_set: unknown;
  query_parameters_to_remove: unknown;
  http_status: unknown;
  body: unknown;
  dynamic_metadata: unknown;
};

const noMembers = (): EnvoyMembers => ({
  allowed: undefined,
  headers: undefined,
  response_headers_to_add: undefined,
  request_headers_to_remove: undefined,
  query_parameters_to_set: undefined,
  query_parameters_to_remove: undefined,
  http_status: undefined,
  body: undefined,
  dynamic_metadata: undefined,
});

export const envoyMembers: ReadonlySet<string> = new Set(Object.keys(noMembers()));

/** All in one look, as asking for each of nine costs more than the rest; refuses a member that nobody would enforce. */
function readMembers(result: ResultObject): EnvoyMembers {
  const members = noMembers();
  for (const name of Object.keys(result)) {
    if (!envoyMembers.has(name)) refuseUnknown(name);
    members[name as keyof EnvoyMembers] = result[name];
  }
  return members;
}

/**
 * Reads the result that the OPA-Envoy plugin defines, so that Rego written for it is enforced as it was meant. Every
 * member is read whatever the verdict, because a policy that gives garbage is not one to trust; which of them count
 * follows from the verdict, as there: `headers` are for the workload when it is allowed, and for the client otherwise.
 */
export function readEnvoyResult(result: ResultObject): Decision {
  const members = readMembers(result);
  const allowed = readVerdict('allowed', members.allowed);
  const headers = readHeaderLists('headers', members.headers);
  const responseHeaders = readHeaderLists('response_headers_to_add', members.response_headers_to_add);
  const removeHeaders = readHeaderNames('request_headers_to_remove', members.request_headers_to_remove);
  const query = readQueryChanges(members.query_parameters_to_set, members.query_parameters_to_remove);
  const status = readStatus(members.http_status);
  const body = readBody(members.body);
  const metadata = readMetadata(members.dynamic_metadata);
  if (!allowed) return deny(customAnswer(status, headers, body), metadata);
  requireDisjoint('header', headers, removeHeaders);
  return allow(Object.freeze({ headers, removeHeaders, query, responseHeaders }), metadata);
}

const none: readonly never[] = Object.freeze([]);

function allow(changes: Changes, metadata: string | undefined): Decision {
  const allowed = { kind: 'allow', rule: '', reasons: none, obligations: none, changes } as const;
  return Object.freeze(metadata === undefined ? allowed : { ...allowed, metadata });
}

function deny(answer: CustomAnswer | undefined, metadata: string | undefined): Decision {
  return Object.freeze({
    kind: 'deny',
    rule: '',
    reasons: none,
    obligations: none,
    ...(answer === undefined ? {} : { answer }),
    ...(metadata === undefined ? {} : { metadata }),
  });
}

/**
 * A client believes what it is told: a denial that claimed success, or that what the client has is still good (304), would
 * be none, and after a 305 some look for no body, and read it as their next answer. To lead elsewhere, to a login page for one,
 * is an answer.
 */
function customAnswer(
  status: number | undefined,
  headers: readonly HeaderLine[],
  body: string | undefined,
): CustomAnswer | undefined {
  if (status === undefined && headers.length === 0 && body === undefined) return undefined;
  const code = status ?? 403;
  if (code < 300 || code === 304 || code === 305) throw new Malformed(`http_status ${code} is none of a denial`);
  return Object.freeze({ status: code, headers, body });
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

function readMetadata(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (!isPlainObject(value)) throw new Malformed(`dynamic_metadata is ${typeName(value)}, not an object`);
  // Integers beyond 2^53 are bigints here, of which JSON.stringify knows nothing.
  const metadata = jsonText(value as PlainObject);
  if (metadata.length > limits.metadataLength) throw new Malformed('dynamic_metadata is too long');
  return metadata;
}

function readQueryChanges(toSet: unknown, toRemove: unknown): QueryChanges | undefined {
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
  if (set.length === 0 || removed.length === 0) return;
  const both = set.find(([name]) => removed.includes(name));
  if (both !== undefined) throw new Malformed(`${what} ${quote(both[0])} is set and removed`);
}
