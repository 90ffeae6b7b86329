import { rfc3339 } from '../../policy/rfc3339.ts';
import type { AuditEvent } from './catalogue.ts';
import { encodeEvent } from './encode.ts';
import { inOnePiece, quoted } from './encode-text.ts';
import type { AuditStreamOptions } from './stream-options.ts';

/** Makes the inner part of a line: when and where, which the stream says itself, and the event. */
export function enveloping({
  identity: { node, workload },
  now,
  monotonicNs,
}: Pick<AuditStreamOptions, 'identity' | 'now' | 'monotonicNs'>): (event: AuditEvent, madeNs?: bigint) => string {
  const where = inOnePiece(`"node":${quoted(node)},"workload":${quoted(workload)},`);
  return (event, madeNs = monotonicNs()) =>
    `"ts":"${rfc3339(now())}","mono_ns":"${madeNs}",${where}${encodeEvent(event)}`;
}
