import { oncePer } from '../policy/once-per.ts';
import type { SpiffeId } from '../certs/spiffe-id.ts';
import type { ExchangeEvent } from './audit/catalogue.ts';
import { type Caller, isPresented } from './caller/caller.ts';
import type { Address, WorkloadConfig } from './config/config.ts';
import type { Denial, RefusedUser } from './denial.ts';
import type { Accepted, ConnectionFacts } from './exchange.ts';
import type { Authorized } from './filters/authorize.ts';
import type { Identified } from './filters/identity.ts';
import type { Limited } from './filters/limit.ts';
import type { Normalised } from './filters/normalise.ts';
import type { Authenticated, User } from './filters/user.ts';
import type { Validated } from './filters/validate.ts';
import { fieldValues } from './header-list.ts';
import type { Snapshot } from './snapshot.ts';

/** Whatever became known before the exchange ended; the chain adds to it as it goes. */
export type KnownFacts = Accepted & Partial<Identified & Normalised & Limited & Authenticated & Validated & Authorized>;

/** How it ended, as far as the record is concerned. */
export type Ending = {
  readonly denial: Denial | undefined;
  /** Status handed to the client, or undefined when nothing could be. */
  readonly status: number | undefined;
  readonly bytesOut: number;
  readonly aborted?: 'client' | 'workload' | 'proxy' | undefined;
};

/** The one audit record of an exchange (SP 800-53 AU-3), complete or not. */
export function exchangeRecord(facts: KnownFacts, ending: Ending, endedNs: bigint): ExchangeEvent {
  const { connection, snapshot, permit, route, request } = facts;
  const { src, peer, tls } = connectionRecord(connection);
  const { denial } = ending;
  const policy = policyRecord(snapshot);
  return {
    kind: 'exchange',
    reason: denial?.code,
    id: facts.id,
    dur_us: Number((endedNs - facts.beganNs) / 1000n),
    status: ending.status,
    detail: detail(denial, permit),
    pointer: denial?.pointer,
    rule: denial?.rule ?? permit?.rule,
    metadata: denial?.metadata ?? permit?.obligations.metadata,
    policy,
    snapshot: snapshot.digest,
    schema: facts.body !== undefined && 'schemaDigest' in facts.body ? facts.body.schemaDigest : undefined,
    listener: 'inbound',
    route: route?.config.name,
    src,
    dst: facts.sent.to && reached(placeOf(facts.sent.to), facts.sent.workload),
    peer,
    caller: callerRecord(facts.caller ?? denial?.caller),
    user: userRecord(facts.user ?? denial?.user),
    object: {
      service: snapshot.config.identity.spiffeId,
      method: facts.method,
      target: facts.target,
      sent_target: facts.sent.to && permit?.obligations.target,
      path_template: route?.config.path,
      authority: request?.authority ?? fieldValues(facts.headers, 'host')[0],
    },
    trace_id: request === undefined ? undefined : traceId(fieldValues(request.headers, 'traceparent')[0]),
    bytes_in: facts.bytesIn(),
    bytes_out: ending.bytesOut,
    aborted: ending.aborted,
    tls,
    limits: facts.quota === undefined ? undefined : { remaining: facts.quota.remaining, reset_ms: facts.quota.resetMs },
  };
}

type ConnectionRecord = Required<Pick<ExchangeEvent, 'src' | 'peer' | 'tls'>>;

/** The same in every record of a connection; frozen, so that the encoder writes it once. */
export const connectionRecord = oncePer(
  ({ peer, remote, tls }: ConnectionFacts): ConnectionRecord => ({
    src: Object.freeze({ ...remote }),
    peer: Object.freeze({
      spiffe: peer.spiffeId,
      serial: peer.serial,
      fp_sha256: peer.fingerprintSha256,
      issuer: peer.issuer,
      not_after: new Date(peer.notAfterMs).toISOString(),
    }),
    tls: Object.freeze({ ...tls, resumed: false }),
  }),
);

/** Only whom a load balancer has presented: else it is the peer, who stands there already. */
function callerRecord(caller: Caller | undefined): ExchangeEvent['caller'] {
  if (caller === undefined || !isPresented(caller)) return undefined;
  const { spiffeId, tokenId, notAfterMs } = caller;
  return { spiffe: spiffeId, jti: tokenId, not_after: new Date(notAfterMs).toISOString() };
}

function userRecord(user: User | RefusedUser | undefined): ExchangeEvent['user'] {
  if (user === undefined) return undefined;
  const { realm, claims } = user;
  return { iss: claims.issuer, sub: claims.subject, jti: claims.tokenId, realm, jkt: claims.keyThumbprint };
}

const policyRecord = oncePer(({ engine }: Snapshot) => Object.freeze({ revision: engine.revision }));
const placeOf = oncePer(({ address }: WorkloadConfig) => Object.freeze(destination(address)));

/** Who it was differs by connection: `workload.tls` may name several. */
function reached(dst: ExchangeEvent['dst'], workload: SpiffeId | undefined): ExchangeEvent['dst'] {
  return workload === undefined ? dst : { ...dst, spiffe: workload };
}

/** Where the workload is, as records have it. */
export function destination(workload: Address): NonNullable<ExchangeEvent['dst']> {
  return workload.kind === 'tcp' ? { ip: workload.host, port: workload.port } : { path: workload.path };
}

/**
 * The notes are owed however the exchange ends: whoever was let in hangs up at will. They come first, as what is too long
 * is cut at its end.
 */
function detail(denial: Denial | undefined, permit: Authorized['permit'] | undefined): string | undefined {
  const why = denial?.detail ?? denial?.reasons?.join('; ');
  const notes = denial?.notes ?? permit?.obligations.notes ?? [];
  if (notes.length === 0) return why;
  return (why === undefined || why === '' ? notes : [...notes, why]).join('; ');
}

/** W3C Trace Context, version 00. */
function traceId(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined) return undefined;
  return /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1];
}
