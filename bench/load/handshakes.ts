import type { Until } from './closed-loop.ts';
import { openConnection } from './connection.ts';
import type { PreparedRequest } from './load-request.ts';
import { createTally, type LoadOutcome } from './tally.ts';
import type { Target } from './target.ts';

/**
 * A new connection, with its handshake, for each request; so many at a time. Latency counts from the first byte to the answer.
 */
export async function newConnections(
  target: Target,
  requests: readonly PreparedRequest[],
  atOnce: number,
  { requests: limit = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY }: Until,
): Promise<LoadOutcome> {
  const tally = createTally();
  const beganMs = performance.now();
  let begun = 0;
  let lost: string | undefined;
  const goesOn = () => lost === undefined && begun < limit && performance.now() - beganMs < seconds * 1000;
  const line = async () => {
    while (goesOn()) {
      const number = begun++;
      const request = requests[number % requests.length];
      if (request === undefined) throw new RangeError('there is no request to send');
      const startMs = performance.now();
      const { reason, isRefused } = await oneConnection(target, number, request);
      if (reason === undefined) tally.answered((performance.now() - startMs) * 1000);
      else tally.failed(reason);
      if (isRefused) lost ??= reason;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, line));
  return tally.outcome({ elapsedMs: performance.now() - beganMs, lost, unreached: undefined, lagP99: 0 });
}

type Ended = { readonly reason: string | undefined; readonly isRefused: boolean };

/** Whoever has heard nothing for so long waits for nothing. */
const silenceMs = 10_000;

function oneConnection(target: Target, number: number, request: PreparedRequest): Promise<Ended> {
  return new Promise((resolve) => {
    const end = (reason: string | undefined, isRefused: boolean) => {
      clearTimeout(silence);
      connection.destroy();
      resolve({ reason, isRefused });
    };
    const silence = setTimeout(() => end(`no answer for ${silenceMs / 1000} s`, true), silenceMs);
    const connection = openConnection(target, number, {
      ready: () => connection.send(request),
      answered: ({ status }) => end(status === request.expect ? undefined : `status ${status}`, false),
      broken: (reason) => end(reason, true),
    });
  });
}
