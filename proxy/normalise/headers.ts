import { type Denial, deny } from '../denial.ts';
import { connectionOptions, type HeaderList } from '../header-list.ts';

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

/** A message may not ask for these to be dropped: they are what it is judged by. */
const notNominable: ReadonlySet<string> = new Set([...singletons, 'host', 'content-length', 'accept', 'tracestate']);

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

/**
 * Say where a request came from: only the proxy knows, so what a client claims is dropped. `Proxy` is here because CGI
 * makes of it the variable that tells a workload's own HTTP client where to send everything (CVE-2016-5385); the
 * default name of the identity header stays closed when another one is configured.
 */
const provenance = [
  'forwarded',
  'proxy',
  'x-client-ip',
  'x-host',
  'x-original-host',
  'x-portcullis-id',
  'x-real-ip',
  'x-spiffe-id',
];
const provenancePrefix = 'x-forwarded-';

/** The name as a careless workload folds it: CGI reads every character that is no letter or digit as one and the same. */
export function fold(name: string): string {
  // Nearly every name is folded as it is, and looking is cheaper than writing it anew.
  return alreadyFolded.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-');
}

const alreadyFolded = /^[a-z0-9-]*$/;

export type NormalisedHeaders = {
  /** Lower-case names; what policy sees and what the workload receives. */
  readonly headers: HeaderList;
  readonly hosts: readonly string[];
};

/** Names, folded, under which only the proxy tells the workload who calls and from where. */
export type OwnHeaders = ReadonlySet<string>;

/** @param identityHeaders as they are configured */
export function ownHeaders(identityHeaders: readonly string[]): OwnHeaders {
  return new Set([...identityHeaders, ...provenance].map(fold));
}

/** The one header list that is judged and sent; nothing in it has a name of `own`. */
export function normaliseHeaders(raw: HeaderList, own: OwnHeaders): NormalisedHeaders | Denial {
  const nominated = readNominations(raw);
  if ('code' in nominated) return nominated;
  const seen: string[] = [];
  const headers: string[] = [];
  const hosts: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const { name, folded, refused, single, dropped } = fieldName(raw[index] ?? '');
    const value = raw[index + 1] ?? '';
    if (name === 'host') hosts.push(value);
    if (refused !== undefined) return refused;
    if (single) {
      if (seen.includes(name)) return deny('ambiguous-header', { detail: `${name} is given twice` });
      seen.push(name);
    }
    if (!dropped && !nominated.has(name) && !own.has(folded)) headers.push(name, value);
  }
  return { headers, hosts };
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

/**
 * Whether somebody other than the proxy may set the header on the way to the workload: not framing, not what would
 * override the judged request, not provenance, and in no spelling the identity that only the handshake proves.
 * @param name lower case
 */
export function isSettable(name: string, own: OwnHeaders): boolean {
  const folded = fold(name);
  const fixed =
    hopByHop.has(folded) || overrides.has(folded) || folded === 'content-type' || folded === 'content-encoding';
  return !fixed && !own.has(folded) && !folded.startsWith(provenancePrefix) && !name.includes('_');
}

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

/**
 * Whether somebody other than the workload may add the header to its answer: not framing, not what describes the content,
 * and nothing that could be taken for a word of this proxy.
 * @param name lower case
 */
export function isAddableToAnswer(name: string, own: OwnHeaders): boolean {
  const folded = fold(name);
  const fixed = hopByHop.has(folded) || ofAnswer.has(folded);
  return !fixed && !own.has(folded) && !folded.startsWith(provenancePrefix) && !name.includes('_');
}

/** Whether a message may have the header in more than one line and still have one meaning. */
export function mayRepeat(name: string): boolean {
  return !singletons.has(name) && !answerSingletons.has(name);
}

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

/** What is known of a field by its name alone. */
type FieldName = {
  /** Lower case. */
  readonly name: string;
  readonly folded: string;
  readonly refused: Denial | undefined;
  /** Whether a request may have it once only. */
  readonly single: boolean;
  readonly hopByHop: boolean;
  /** Whatever else is asked, it is not passed on to the workload. */
  readonly dropped: boolean;
};

/** The same names come with each message: so many are remembered, none of them long, as a client may make them up. */
const maxRemembered = 1024;
const maxRememberedLength = 64;
const remembered = new Map<string, FieldName>();

function fieldName(sent: string): FieldName {
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
  return Object.freeze({
    name,
    folded,
    refused: refuseName(name, folded),
    single: singletons.has(name),
    hopByHop: hopByHop.has(name),
    dropped: hopByHop.has(name) || folded.startsWith(provenancePrefix),
  });
}

const nobody: ReadonlySet<string> = new Set();

/** The field names that `Connection` lists (CVE-2021-33197, CVE-2026-29054: what may be dropped that way is limited). */
function readNominations(raw: HeaderList): ReadonlySet<string> | Denial {
  const names = connectionOptions(raw);
  if (names.length === 0) return nobody;
  const judged = names.find((name) => notNominable.has(name));
  return judged === undefined ? new Set(names) : deny('ambiguous-header', { detail: `Connection nominates ${judged}` });
}

/**
 * The list without hop-by-hop fields and without what the answer's own `Connection` nominates, for the way back; and
 * without a request id, so that the client reads one, which is ours.
 */
export function withoutHopByHop(raw: HeaderList): HeaderList {
  const nominated = new Set(connectionOptions(raw));
  const headers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const { name, hopByHop: ofConnection } = fieldName(raw[index] ?? '');
    if (!ofConnection && name !== 'x-portcullis-id' && !nominated.has(name)) headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}
