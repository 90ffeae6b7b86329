import type { LimitsConfig } from '../config/config.ts';
import type { Stream } from './stream.ts';

/** What is due on one stream: its body is late, or its answer is not taken. */
export type StreamDue = 'late-body' | 'unread' | undefined;

/** Each stream has the limits that a connection of HTTP/1.1 has. @param now monotonic milliseconds */
export function dueOn({ began, lastProgress, exchange }: Stream, limits: LimitsConfig, now: number): StreamDue {
  const silent = now - lastProgress;
  if (exchange.answer.waitsForClient && silent > limits.writeIdleMs) return 'unread';
  const late = silent > limits.bodyIdleMs || now - began > limits.bodyMs;
  return exchange.body?.waitsForClient === true && late ? 'late-body' : undefined;
}
