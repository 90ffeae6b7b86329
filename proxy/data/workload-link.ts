import type { OnReadOpts } from 'node:net';
import { connect, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import { type HandshakeRefusal, handshakeRefusal, isHandshakeRefusal } from '../../certs/handshake-refusal.ts';
import { addressText } from '../config/address.ts';
import type { WorkloadConfig } from '../config/config.ts';
import { type Denial, deny } from '../denial.ts';
import { destination } from '../exchange-record.ts';
import type { ConnectionFacts } from '../exchange.ts';
import { ownIdentityDenial } from '../filters/identity.ts';
import { connectFailure, noLongerVerified, unverified } from '../upstream/failure.ts';
import { type Link, placeOf } from '../upstream/link.ts';
import { type Arrival, plainAddress } from './arrivals.ts';
import { type Endings, endingsOf } from './endings.ts';
import { failedHandshake, readHandshake } from './handshake.ts';
import type { OwnSvid } from './own-svids.ts';
import type { RefusalParts } from './refusal.ts';
import { dialOptions } from './tls-options.ts';

export type WorkloadLinkParts = RefusalParts & {
  /** As it stands for a connection that is opened now. */
  readonly ownSvid: () => OwnSvid;
  /** Our SVID, and whom to trust, for the same. */
  readonly secureContext: () => SecureContext;
  /** Told of an exception that nobody expected; the connection ends. */
  readonly bug: (cause: unknown) => void;
};

/**
 * Mutual TLS to the workload: it is judged as a client is, by the trust in force when the handshake is over, and must be one of
 * those configured besides. What ends a client's connection ends this one.
 */
export function openTlsLink(parts: WorkloadLinkParts, workload: WorkloadConfig, onread: OnReadOpts): Link {
  const { clock, measurements } = parts;
  const own = parts.ownSvid();
  const acceptedNs = clock.monotonicNs();
  // Documented of `tls.connect`, and missing in its types.
  const reading: ConnectionOptions & { readonly onread: OnReadOpts } = { ...dialOptions, onread };
  const socket = connect({ ...reading, ...placeOf(workload.address), secureContext: parts.secureContext() });
  let connected = false;
  let verified: (Endings & { readonly facts: ConnectionFacts }) | undefined;
  socket.once('connect', () => {
    connected = true;
    socket.setNoDelay(true);
  });
  const refused = (refusal: HandshakeRefusal): Denial => {
    measurements.workloadHandshake(refusal.refused);
    return unverified(refusal);
  };
  const ownEnded = () => (clock.nowMs() > own.notAfterMs ? ownIdentityDenial() : undefined);
  const admit = (): Denial | undefined => {
    const facts = verify(parts, socket, workload);
    if (isHandshakeRefusal(facts)) return refused(facts);
    measurements.workloadHandshake(undefined);
    const arrival: Arrival = {
      remote: facts.remote,
      acceptedNs,
      own,
      dst: { ...destination(workload.address), spiffe: facts.peer.spiffeId },
    };
    verified = { facts, ...endingsOf(parts, arrival, facts, noLongerVerified) };
    return ownEnded();
  };
  return {
    socket,
    opensWith: 'secureConnect',
    tellsLate: true,
    refusal: () => contained(parts, admit),
    failure: (error) => (connected ? refused(unfinished(error)) : connectFailure(error)),
    over: (busy) => {
      if (verified === undefined) return undefined;
      return verified.ended() ?? ownEnded() ?? (busy ? undefined : own.replaced && replaced);
    },
    peer: () => verified?.facts.peer.spiffeId,
  };
}

/** Told to nobody: no exchange is on a connection that ends for it. */
const replaced = deny('own-identity-expired', { detail: 'our own SVID was replaced' });

/** A bug that one handshake meets must not end the thread, nor let the workload pass. */
function contained({ bug }: WorkloadLinkParts, admit: () => Denial | undefined): Denial | undefined {
  try {
    return admit();
  } catch (cause) {
    bug(cause);
    return deny('internal-error');
  }
}

function unfinished(error: Error | undefined): HandshakeRefusal {
  return error === undefined
    ? handshakeRefusal('handshake-timeout', 'no end of the handshake')
    : failedHandshake(error);
}

function verify(
  { clock, snapshot, newId }: WorkloadLinkParts,
  socket: TLSSocket,
  { address, tls }: WorkloadConfig,
): ConnectionFacts | HandshakeRefusal {
  const remote = { ip: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
  const facts = readHandshake(socket, { id: newId(), remote, nowMs: clock.nowMs(), trust: snapshot().trust });
  if (isHandshakeRefusal(facts) || tls?.spiffeIds.includes(facts.peer.spiffeId)) return facts;
  const { spiffeId, serial } = facts.peer;
  return handshakeRefusal(
    'unexpected-id',
    `${spiffeId}, serial ${serial}, is none of the spiffe_ids configured for ${addressText(address)}`,
  );
}
