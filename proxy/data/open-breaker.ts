import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import { addressText } from '../config/address.ts';
import type { Address, BreakerConfig } from '../config/config.ts';
import type { Log } from '../telemetry/log.ts';
import { type Breaker, createBreaker } from '../upstream/breaker.ts';

export type BreakerParts = {
  readonly audit: Pick<AuditStream, 'append'>;
  readonly log: Log;
  readonly clock: Clock;
  readonly thread: number;
};

/** What a breaker of this thread does is on record and in the log. */
export function breakers({ audit, log, clock, thread }: BreakerParts): (config: BreakerConfig, of: Address) => Breaker {
  return (config, of) => {
    const workload = addressText(of);
    return createBreaker(config, clock.monotonicMs, {
      opened: (why) => {
        const detail = `${workload}: ${why}`;
        audit.append({ kind: 'control', type: 'breaker.open', outcome: 'error', thread, detail });
        log.error('breaker.open', { detail });
      },
      closed: (why) => {
        const detail = `${workload}: ${why}`;
        audit.append({ kind: 'control', type: 'breaker.close', thread, detail });
        log.info('breaker.close', { detail });
      },
    });
  };
}
