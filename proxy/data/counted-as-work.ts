import type { Measurements } from '../telemetry/measurements.ts';
import type { Heartbeat } from './heartbeat.ts';

/**
 * Thousands of handshakes or closes can fall into one turn of the event loop: that is work, not a thread that is stuck. Refused ones
 * too: what a stranger presents, OpenSSL checks before we are asked, which can take most of a second.
 */
export function countedAsWork(measurements: Measurements, heartbeat: Heartbeat): Measurements {
  return {
    ...measurements,
    handshakeRefused: (reason) => {
      heartbeat.beat();
      measurements.handshakeRefused(reason);
    },
    handshakeAccepted: () => {
      heartbeat.beat();
      measurements.handshakeAccepted();
    },
    workloadHandshake: (refused) => {
      heartbeat.beat();
      measurements.workloadHandshake(refused);
    },
    connectionClosed: () => {
      heartbeat.beat();
      measurements.connectionClosed();
    },
    requestStarted: () => {
      heartbeat.requestStarted();
      measurements.requestStarted();
    },
    requestEnded: () => {
      heartbeat.requestEnded();
      measurements.requestEnded();
    },
  };
}
