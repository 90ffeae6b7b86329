import type { HandshakeRefusal } from '../../certs/handshake-refusal.ts';
import type { Ended } from '../../certs/peer.ts';
import { type Denial, deny } from '../denial.ts';

const late = deny('upstream-unreachable', { detail: 'the workload did not take the connection in time' });

/** The workload has surely not seen the request. Without an error it took too long. */
export function connectFailure(error?: Error): Denial {
  return error === undefined ? late : deny('upstream-unreachable', { detail: `the workload: ${codeOf(error)}` });
}

/** The request was handed to a connection: the workload may have acted on it. */
export function connectionFailure(error: Error): Denial {
  return deny('upstream-reset', { detail: `the workload: ${codeOf(error)}` });
}

/** It has not shown that it is the workload: it has not seen the request. */
export function unverified({ refused, detail }: Pick<HandshakeRefusal, 'refused' | 'detail'>): Denial {
  return deny('upstream-unverified', { detail: `the workload: ${refused}: ${detail}` });
}

/** It had shown so, and is not believed any more: it may have acted on a request that is under way. */
export function noLongerVerified({ reason, detail }: Ended): Denial {
  return deny('upstream-unverified', { detail: `the workload: ${reason}: ${detail}` });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
