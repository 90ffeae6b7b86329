import type { TLSSocket } from 'node:tls';
import type { LimitsConfig } from '../../../proxy/config/config.ts';
import { type Http2Host, Http2Connection } from '../../../proxy/http2/connection.ts';
import type { WireRequest } from '../../../proxy/transport.ts';
import { limits as headLimits } from '../read-request.ts';
import { aTurn, Wire } from './wire.ts';

/**
 * The limits of a default configuration, but for the number of requests: how many a turn brings is not what is tried.
 */
export const limits = {
  ...headLimits,
  headMs: 10_000,
  bodyIdleMs: 15_000,
  bodyMs: 60_000,
  keepAliveMs: 60_000,
  writeIdleMs: 30_000,
  maxRequestsPerConnection: 1e9,
} as LimitsConfig;

export const maxStreams = 100;

/** One request as it was served, to the last byte that came. */
export type ServedRequest = {
  readonly head: WireRequest['head'];
  readonly line: WireRequest['line'];
  /** Undefined where nothing may follow the head. */
  body: string | undefined;
  /** `open` while more has to come; else the code that the body failed with, or `whole`. */
  state: string;
};

/** Everything that a connection makes of some bytes while nobody answers. */
export type ConnectionReading = {
  readonly requests: readonly ServedRequest[];
  readonly violated: string | undefined;
  /** What the client was sent. */
  readonly written: Buffer;
  readonly bugs: readonly string[];
};

/** Gives the pieces to a connection as a socket does, one after the other. */
export async function readConnection(pieces: readonly Buffer[]): Promise<ConnectionReading> {
  const requests: ServedRequest[] = [];
  const violations: string[] = [];
  const bugs: string[] = [];
  const wire = new Wire();
  const host: Http2Host = {
    limits: () => limits,
    // Time stands still: what patience there was at the beginning has to do.
    now: () => 0,
    maxStreams,
    serve: (request) => requests.push(listen(request)),
    mustClose: () => false,
    ended: () => undefined,
    bug: (cause) => bugs.push(String(cause)),
    violated: (detail) => violations.push(detail),
  };
  // Nothing here is about TLS.
  new Http2Connection(wire as unknown as TLSSocket, host);
  await aTurn();
  for (const piece of pieces) {
    wire.push(piece);
    while (wire.isPaused()) await aTurn();
  }
  await aTurn();
  const seen = requests.map((request) => ({ ...request }));
  const { written } = wire;
  wire.destroy();
  return { requests: seen, violated: violations.join(' and ') || undefined, written, bugs };
}

function listen({ head, line, body }: WireRequest): ServedRequest {
  const served: ServedRequest = { head, line, body: undefined, state: 'whole' };
  if (body === undefined) return served;
  served.body = '';
  served.state = 'open';
  body.consume({
    chunk: (bytes) => {
      served.body += bytes.toString('latin1');
    },
    end: () => {
      served.state = 'whole';
    },
    failed: ({ code }) => {
      served.state = code;
    },
  });
  return served;
}
