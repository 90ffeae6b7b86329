import type { TLSSocket } from 'node:tls';
import type { LimitsConfig } from './config/config.ts';
import type { Denial } from './denial.ts';
import type { WireRequest } from './transport.ts';

/** How often slow and ended connections are looked for; every time limit is kept to within this. */
export const sweepMs = 200;
/** For how many sweeps an idle connection is kept once it must close: a request may be on its way. */
export const lastCallLooks = 5;

/** What a connection needs from its listener. */
export type ConnectionHost = {
  /** As they are in force now: a reload reaches open connections too. */
  readonly limits: () => LimitsConfig;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly serve: (request: WireRequest) => void;
  /** True once the listener drains, the identity has ended or the connection has its age: the next answer is the last. */
  readonly mustClose: () => boolean;
  /** Why the peer's identity is no longer valid, once it is not: the connection ends with it. */
  readonly ended: () => Denial | undefined;
  /** Told of an exception that nobody expected; the connection ends. */
  readonly bug: (cause: unknown) => void;
};

/** A bug that one connection meets must not end the thread, and with it everybody else's. */
export function contained(socket: TLSSocket, { bug }: Pick<ConnectionHost, 'bug'>) {
  return <Value = void>(task: (value: Value) => void) =>
    (value: Value): void => {
      try {
        task(value);
      } catch (cause) {
        bug(cause);
        socket.destroy();
      }
    };
}
