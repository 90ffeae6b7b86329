import { type Ended, type PeerSvid, stillValid } from '../../certs/peer.ts';
import type { TrustBundle } from '../../certs/trust-bundle.ts';
import type { Denial } from '../denial.ts';
import type { ConnectionFacts } from '../exchange.ts';
import { connectionRecord } from '../exchange-record.ts';
import { identityDenial, ownIdentityDenial } from '../filters/identity.ts';
import type { ConnectionEnd } from '../telemetry/measurements.ts';
import type { Arrival } from './arrivals.ts';
import { drainDelayMs } from './own-svids.ts';
import { recordConnection, type RefusalParts } from './refusal.ts';

export type Endings = {
  /** Why the identity of one side, as it opened the connection, is not good any more; undefined while both are. */
  readonly ended: () => Denial | undefined;
  /** Whether the connection is as old as it may become, for its own age or since our own SVID was replaced. */
  readonly aged: () => boolean;
  /** Told of a peer that sends TLS records without content, of so many bytes: its connection is ended for it. */
  readonly flooded: (bytes: number) => void;
  /** Told of a peer that breaks the rules of its protocol: its connection is ended for it. */
  readonly violated: (detail: string) => void;
};

/** Connections that were opened together must not all come back together. */
const jitterShare = 0.1;

/**
 * What ends an open connection besides its limits. The first to ask once it has happened closes the connection, whatever
 * it was doing, so that is also when the one record is written that says why. `denialOf` is what then becomes of an exchange.
 */
export function endingsOf(
  parts: RefusalParts,
  arrival: Arrival,
  facts: ConnectionFacts,
  denialOf: (end: Ended) => Denial = identityDenial,
): Endings {
  const { clock, measurements, snapshot } = parts;
  const share = 1 - jitterShare * Math.random();
  const turn = Math.random();
  const { own } = arrival;
  const stands = verdictOn(facts.peer);
  const openedMs = clock.monotonicMs();
  let told = false;
  const tell = (end: ConnectionEnd, detail: string) => {
    if (told) return;
    told = true;
    measurements.connectionEnded(end);
    const { id } = facts;
    recordConnection(parts, arrival, { ended: true, reason: end, id, detail, peer: connectionRecord(facts).peer });
  };
  const replaced = () => {
    if (own.replaced === undefined) return false;
    const since = clock.monotonicMs() - own.replaced.atMs;
    if (since < drainDelayMs(own.replaced, snapshot().config.limits.drainAfterRotationMs, turn)) return false;
    tell('own-svid-replaced', `replaced for ${Math.round(since)} ms`);
    return true;
  };
  return {
    ended: () => {
      if (own.replaced !== undefined && clock.nowMs() > own.notAfterMs) {
        tell('own-svid-replaced', 'replaced, and has expired');
        return ownIdentityDenial();
      }
      const end = stands(snapshot().trust, clock.nowMs());
      if (end === undefined) return undefined;
      const denial = denialOf(end);
      tell(end.reason, end.detail);
      return denial;
    },
    aged: () => {
      const { maxConnectionAgeMs } = snapshot().config.limits;
      const age = clock.monotonicMs() - openedMs;
      if (age < maxConnectionAgeMs * share) return replaced();
      tell('max-age', `open for ${Math.round(age)} ms`);
      return true;
    },
    flooded: (bytes) => tell('empty-records', `${bytes} bytes beside the content, as key updates are`),
    violated: (detail) => tell('http2-violation', detail),
  };
}

/** A request asks four times, nearly always within one turn of the event loop: for the same moment and trust the answer stands. */
function verdictOn(peer: PeerSvid): (trust: TrustBundle, nowMs: number) => Ended | undefined {
  let known: { readonly trust: TrustBundle; readonly end: Ended | undefined } | undefined;
  let atMs = Number.NaN;
  return (trust, nowMs) => {
    if (known?.trust !== trust || atMs !== nowMs) {
      known = { trust, end: stillValid(peer, trust, nowMs) };
      atMs = nowMs;
    }
    return known.end;
  };
}
