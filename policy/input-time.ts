import { rfc3339 } from './rfc3339.ts';

/** Time as an environment attribute (SP 800-162 section 2.2): taken once per request, so every rule sees the same. */
export type EnvironmentTime = {
  readonly rfc3339: string;
  readonly unix_ms: number;
  /** In UTC, as the other fields. */
  readonly weekday: Weekday;
  readonly hour_utc: number;
  readonly minute: number;
};

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

export type Weekday = (typeof weekdays)[number];

/** So many moments are remembered: those of open connections come again with each request. */
const maxRemembered = 1024;
const remembered = new Map<number, string>();

/** RFC 3339 in UTC, of a moment that is asked for again and again. */
export function repeatedTime(unixMs: number): string {
  const known = remembered.get(unixMs);
  if (known !== undefined) return known;
  if (remembered.size >= maxRemembered) remembered.clear();
  const text = new Date(unixMs).toISOString();
  remembered.set(unixMs, text);
  return text;
}

export function readTime(unixMs: number): EnvironmentTime {
  const minutes = Math.floor(unixMs / 60_000);
  const hours = Math.floor(minutes / 60);
  return {
    rfc3339: rfc3339(unixMs),
    unix_ms: unixMs,
    // The first day was a Thursday.
    weekday: weekdays[modulo(Math.floor(hours / 24) + 4, 7)] as Weekday,
    hour_utc: modulo(hours, 24),
    minute: modulo(minutes, 60),
  };
}

/** Never negative, unlike `%`: `explain` may ask about a time before 1970. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
