import { parseSpiffeId, pathOf, trustDomainOf } from '../../../certs/spiffe-id.ts';
import type { InputFacts } from '../../../policy/input-facts.ts';
import { buildInput, type PolicyInput } from '../../../policy/input.ts';
import type { ExchangeFacts, HandshakeFacts } from '../../../proxy/audit/record.ts';
import { parseTemplate } from '../../../proxy/config/route-template.ts';
import { readParameters } from '../../../proxy/filters/normalise.ts';
import { readTarget } from '../../../proxy/normalise/target.ts';
import { protocolOf } from '../../../proxy/policy-input.ts';

/** The line of an exchange, of which this proxy has written every part; `cut` and `masked` say what it had to leave out. */
export type ExchangeRecord = Partial<ExchangeFacts> & {
  readonly type: string;
  readonly reason?: string;
  readonly ts: string;
  readonly workload: string;
  readonly masked?: number;
  readonly cut?: unknown;
  readonly src?: HandshakeFacts['src'];
};

/** Whether the policy decided this exchange, whatever became of it afterwards. */
export function wasAsked({ type, reason, route, dst }: ExchangeRecord): boolean {
  if (route === undefined) return false;
  return type === 'authz.allow' || dst !== undefined || reason === 'forbidden' || reason === 'policy-undecided';
}

/** What the policy can read and no record has, as paths into the input. */
export const lackingPaths: readonly (readonly string[])[] = [
  ['attributes', 'request', 'http', 'headers'],
  ['attributes', 'request', 'http', 'body'],
  ['attributes', 'request', 'http', 'size'],
  ['attributes', 'destination', 'address'],
  ['attributes', 'tlsSession'],
  ['parsed_body'],
  ['portcullis', 'body'],
  ['portcullis', 'connection', 'id'],
  ['portcullis', 'connection', 'opened'],
  ['portcullis', 'connection', 'request_number'],
];

/** The paths that a policy reads of which a record lacks something; of the headers it has the request line. */
export function lackingOf(inputPaths: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return inputPaths.filter((path) =>
    lackingPaths.some((lacking) => agree(path, lacking) && !(path[3] === 'headers' && path[4]?.startsWith(':'))),
  );
}

/** Whether one is the beginning of the other. */
function agree(one: readonly string[], other: readonly string[]): boolean {
  return one.slice(0, other.length).every((step, index) => step === other[index]);
}

/** The input that the policy was asked with, but for what no record has. */
export function recordedInput(record: ExchangeRecord): PolicyInput {
  return buildInput(factsOf(record));
}

function factsOf({
  ts,
  dur_us = 0,
  workload,
  id = '',
  src,
  snapshot = '',
  tls,
  ...record
}: ExchangeRecord): InputFacts {
  const target = readTarget(record.object?.target ?? '/');
  const { path, query, decodedSegments } = 'code' in target ? { path: '', query: [], decodedSegments: [] } : target;
  const template = record.object?.path_template ?? '/';
  const timeMs = Math.round(Date.parse(ts) - dur_us / 1000);
  return {
    request: {
      id,
      timeMs,
      method: record.object?.method ?? '',
      target: record.object?.target ?? '',
      path,
      query,
      host: record.object?.authority ?? '',
      protocol: protocolOf(tls?.alpn),
      headers: [],
    },
    pathSegments: decodedSegments,
    peer: callerFacts(record),
    source: { ip: src?.ip ?? '', port: src?.port ?? 0 },
    destination: { ip: '', port: 0, principal: parseSpiffeId(workload) },
    route: {
      name: record.route ?? '',
      template,
      parameters: readParameters(parseTemplate(template), decodedSegments),
    },
    body: { kind: 'none' },
    snapshotDigest: snapshot,
    connection: {
      id: '',
      tlsVersion: tls?.version ?? '',
      cipher: tls?.cipher ?? '',
      openedMs: timeMs,
      requestNumber: 1,
      serverName: undefined,
    },
  };
}

function callerFacts({ caller, peer }: Pick<ExchangeRecord, 'caller' | 'peer'>): InputFacts['peer'] {
  const { serial = '', fp_sha256: fingerprintSha256 = '', issuer = '' } = peer ?? {};
  const via = { ...idFacts(peer), serial, fingerprintSha256, issuer };
  return caller === undefined ? via : { ...idFacts(caller), via };
}

function idFacts({
  spiffe = '',
  not_after: notAfter = '',
}: Pick<NonNullable<ExchangeRecord['peer']>, 'spiffe' | 'not_after'> = {}) {
  const spiffeId = parseSpiffeId(spiffe);
  return {
    spiffeId,
    trustDomain: trustDomainOf(spiffeId),
    path: pathOf(spiffeId),
    notAfterMs: Date.parse(notAfter),
  };
}
