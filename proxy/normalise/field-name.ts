import { type Denial, deny } from '../denial.ts';

/** Fields of one connection, not of the message (RFC 9110 section 7.6.1), and the framing that we write ourselves. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Two of these have two meanings; which one counts differs between servers. */
const singletons: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'dpop',
  'from',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'max-forwards',
  'origin',
  'range',
  'referer',
  'traceparent',
  'user-agent',
]);

/** A message may not ask for these to be dropped, nor for a singleton: they are what it is judged by. */
const notNominable: ReadonlySet<string> = new Set(['host', 'content-length', 'accept', 'tracestate']);

/** Ask the workload to run another method or target than the one judged (SP 800-204B APE-SR-2). */
const overrides: ReadonlySet<string> = new Set([
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  'x-forwarded-uri',
  'x-forwarded-prefix',
]);

/** All of them say where a request came from: only the proxy knows. */
const provenancePrefix = 'x-forwarded-';

/** Describe the body of the answer they are on, or lead away from it: a second one would be a second meaning. */
const ofAnswer: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'last-modified',
  'location',
]);

/** Two of these in an answer would have two meanings too. */
const answerSingletons: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'content-disposition',
  'content-language',
  'content-type',
  'expires',
  'location',
  'retry-after',
  'strict-transport-security',
]);

/** The name as a careless workload folds it: CGI reads every character that is no letter or digit as one and the same. */
export function fold(name: string): string {
  // Nearly every name is folded as it is, and looking is cheaper than writing it anew.
  return alreadyFolded.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-');
}

const alreadyFolded = /^[a-z0-9-]*$/;

/** What is known of a field by its name alone. */
export type FieldName = {
  /** Lower case. */
  readonly name: string;
  readonly folded: string;
  readonly refused: Denial | undefined;
  /** Of a field that a request may have once only: one bit of its own. */
  readonly singletonBit: number;
  readonly hopByHop: boolean;
  /** Whatever else is asked, it is not passed on to the workload. */
  readonly dropped: boolean;
  /** Whether `Connection` may name it. */
  readonly nominable: boolean;
  /** Whether somebody other than the proxy may set it for the workload, unless it is one of ours. */
  readonly settable: boolean;
  /** Whether somebody other than the workload may add it to an answer, unless it is one of ours. */
  readonly addable: boolean;
  /** Whether any message may have it in more than one line and still have one meaning. */
  readonly repeatable: boolean;
};

/** The same names come with each message: so many are remembered, none of them long, as a client may make them up. */
const maxRemembered = 1024;
const maxRememberedLength = 64;
const remembered = new Map<string, FieldName>();

export function fieldName(sent: string): FieldName {
  const known = remembered.get(sent);
  if (known !== undefined) return known;
  if (sent.length > maxRememberedLength) return readFieldName(sent);
  if (remembered.size >= maxRemembered) remembered.clear();
  // A copy: V8 would keep the whole head for a piece of it.
  const own = Buffer.from(sent, 'latin1').toString('latin1');
  const field = readFieldName(own);
  remembered.set(own, field);
  return field;
}

function readFieldName(sent: string): FieldName {
  const name = sent.toLowerCase();
  const folded = fold(name);
  const ofProxy = hopByHop.has(folded) || folded.startsWith(provenancePrefix) || name.includes('_');
  return Object.freeze({
    name,
    folded,
    refused: refuseName(name, folded),
    singletonBit: singletons.has(name) ? 1 << [...singletons].indexOf(name) : 0,
    hopByHop: hopByHop.has(name),
    dropped: hopByHop.has(name) || folded.startsWith(provenancePrefix),
    nominable: !singletons.has(name) && !notNominable.has(name),
    settable: !ofProxy && !overrides.has(folded) && folded !== 'content-type' && folded !== 'content-encoding',
    addable: !ofProxy && !ofAnswer.has(folded),
    repeatable: !singletons.has(name) && !answerSingletons.has(name),
  });
}

function refuseName(name: string, folded: string): Denial | undefined {
  // `x_spiffe_id` becomes `x-spiffe-id` in some servers (CVE-2026-54763, -88011); `__proto__` goes the same way.
  if (name.includes('_')) return deny('ambiguous-header', { detail: 'a header name with an underscore' });
  if (name === 'upgrade' || name === 'http2-settings') return deny('upgrade-not-allowed');
  if (overrides.has(folded)) return deny('ambiguous-header', { detail: `${folded} would override what is judged` });
  // `Content.Length` is none here, and one where the name is folded.
  return folded !== name && (hopByHop.has(folded) || singletons.has(folded))
    ? deny('ambiguous-header', { detail: `a header name that can be read as ${folded}` })
    : undefined;
}
