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
  const seen = new Set<string>();
  const headers: string[] = [];
  const hosts: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    if (name === 'host') hosts.push(value);
    const refused = refuseHeader(name, seen);
    if (refused !== undefined) return refused;
    seen.add(name);
    const folded = fold(name);
    const dropped = hopByHop.has(name) || nominated.has(name) || own.has(folded) || folded.startsWith(provenancePrefix);
    if (!dropped) headers.push(name, value);
  }
  return { headers, hosts };
}

function refuseHeader(name: string, seen: ReadonlySet<string>): Denial | undefined {
  // `x_spiffe_id` becomes `x-spiffe-id` in some servers (CVE-2026-54763, -88011); `__proto__` goes the same way.
  if (name.includes('_')) return deny('ambiguous-header', { detail: 'a header name with an underscore' });
  if (name === 'upgrade' || name === 'http2-settings') return deny('upgrade-not-allowed');
  const folded = fold(name);
  if (overrides.has(folded)) return deny('ambiguous-header', { detail: `${folded} would override what is judged` });
  // `Content.Length` is none here, and one where the name is folded.
  if (folded !== name && (hopByHop.has(folded) || singletons.has(folded))) {
    return deny('ambiguous-header', { detail: `a header name that can be read as ${folded}` });
  }
  return singletons.has(name) && seen.has(name)
    ? deny('ambiguous-header', { detail: `${name} is given twice` })
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

/** The field names that `Connection` lists (CVE-2021-33197, CVE-2026-29054: what may be dropped that way is limited). */
function readNominations(raw: HeaderList): ReadonlySet<string> | Denial {
  const names = connectionOptions(raw);
  const judged = names.find((name) => notNominable.has(name));
  return judged === undefined ? new Set(names) : deny('ambiguous-header', { detail: `Connection nominates ${judged}` });
}

/**
 * The list without hop-by-hop fields and without what the answer's own `Connection` nominates, for the way back; and
 * without a request id, so that the client reads one, which is ours.
 */
export function withoutHopByHop(raw: HeaderList): HeaderList {
  const nominated = new Set(['x-portcullis-id', ...connectionOptions(raw)]);
  const headers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    if (!hopByHop.has(name) && !nominated.has(name)) headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}
