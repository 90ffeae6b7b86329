import type { HandshakeRefusal } from '../../certs/handshake-refusal.ts';
import type { PeerSvid } from '../../certs/peer.ts';
import type { SpiffeId } from '../../certs/spiffe-id.ts';
import type { HandshakeEvent } from '../audit/catalogue.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Measurements } from '../telemetry/measurements.ts';
import type { Arrival } from './arrivals.ts';

/** Why a connection does not get as far as its first request. */
export type Refusal = Omit<HandshakeRefusal, 'refused'> & {
  readonly refused: HandshakeRefusal['refused'] | 'too-many-connections';
  /** Only where it was verified. */
  readonly spiffeId?: SpiffeId | undefined;
};

export type RefusalParts = {
  readonly snapshot: () => Snapshot;
  readonly audit: Pick<AuditStream, 'commit'>;
  readonly measurements: Measurements;
  readonly clock: Clock;
  readonly newId: () => string;
};

export function tooMany(detail: string, peer?: PeerSvid): Refusal {
  return { refused: 'too-many-connections', detail, claimed: peer, spiffeId: peer?.spiffeId };
}

/** One count and one record for each. */
export function refuse(parts: RefusalParts, arrival: Arrival, refusal: Refusal, id = parts.newId()): void {
  const { refused, detail, claimed, spiffeId } = refusal;
  parts.measurements.handshakeRefused(refused);
  const peer = claimed && {
    spiffe: spiffeId,
    serial: claimed.serial,
    fp_sha256: claimed.fingerprintSha256,
    issuer: claimed.issuer,
  };
  recordConnection(parts, arrival, { reason: refused, id, detail, peer });
}

/** The record of a connection that was refused or ended, or whose peer asked nothing. */
export function recordConnection(
  { audit, clock, snapshot }: RefusalParts,
  { acceptedNs, remote, dst }: Arrival,
  what: Pick<HandshakeEvent, 'reason' | 'id' | 'detail' | 'peer' | 'tls' | 'ended'>,
): void {
  void audit.commit({
    kind: 'handshake',
    ...what,
    dur_us: Number((clock.monotonicNs() - acceptedNs) / 1000n),
    ...(dst === undefined ? { listener: 'inbound', src: remote } : { dst }),
    snapshot: snapshot().digest,
  });
}
