import { type Denial, deny } from '../denial.ts';
import { connectionOptions, type HeaderList } from '../header-list.ts';
import { fieldName, fold } from './field-name.ts';

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
  const nominated = connectionOptions(raw);
  // CVE-2021-33197, CVE-2026-29054: what a message may ask to be dropped is limited.
  const judged = nominated.find((name) => !fieldName(name).nominable);
  if (judged !== undefined) return deny('ambiguous-header', { detail: `Connection nominates ${judged}` });
  let seen = 0;
  const headers: string[] = [];
  let hosts: readonly string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const { name, folded, refused, singletonBit, dropped } = fieldName(raw[index] as string);
    const value = raw[index + 1] as string;
    if (name === 'host') hosts = hosts.length === 0 ? [value] : hosts.concat(value);
    if (refused !== undefined) return refused;
    if ((seen & singletonBit) !== 0) return givenTwice(name);
    seen |= singletonBit;
    if (!dropped && !nominated.includes(name) && !own.has(folded)) headers.push(name, value);
  }
  return { headers, hosts };
}

/** Of two types of one content none is declared, whatever the route says (CVE-2026-33806 and its class). */
function givenTwice(name: string): Denial {
  const code = name === 'content-type' ? 'unsupported-media-type' : 'ambiguous-header';
  return deny(code, { detail: `${name} is given twice` });
}

/**
 * Whether somebody other than the proxy may set the header on the way to the workload: not framing, not what would
 * override the judged request, not provenance, and in no spelling the identity that only the handshake proves.
 * @param name lower case
 */
export function isSettable(name: string, own: OwnHeaders): boolean {
  const { settable, folded } = fieldName(name);
  return settable && !own.has(folded);
}

/**
 * Whether somebody other than the workload may add the header to its answer: not framing, not what describes the content,
 * and nothing that could be taken for a word of this proxy.
 * @param name lower case
 */
export function isAddableToAnswer(name: string, own: OwnHeaders): boolean {
  const { addable, folded } = fieldName(name);
  return addable && !own.has(folded);
}

/**
 * The list without hop-by-hop fields and without what the answer's own `Connection` nominates, for the way back; and
 * without a request id, so that the client reads one, which is ours.
 */
export function withoutHopByHop(raw: HeaderList): HeaderList {
  const nominated = connectionOptions(raw);
  const headers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const { name, hopByHop: ofConnection } = fieldName(raw[index] ?? '');
    if (!ofConnection && name !== 'x-portcullis-id' && !nominated.includes(name))
      headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}
