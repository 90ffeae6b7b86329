import type { LimitsConfig } from '../config/config.ts';
import type { Denial } from '../denial.ts';
import type { WireRequest } from '../transport.ts';

/** What a connection needs from its listener. */
export type ConnectionHost = {
  /** As they are in force now: a reload reaches open connections too. */
  readonly limits: () => LimitsConfig;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly serve: (request: WireRequest) => void;
  /** True once the listener drains, the identity has ended or the connection has its age: the next answer is the last. */
  readonly mustClose: () => boolean;
  /** How long after that an idle connection is kept, for a request that is on its way. */
  readonly lastCallMs: () => number;
  /** Why the peer's identity is no longer valid, once it is not: the connection ends with it. */
  readonly ended: () => Denial | undefined;
  /** Told of an exception that nobody expected; the connection ends. */
  readonly bug: (cause: unknown) => void;
};
