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

export function readTime(unixMs: number): EnvironmentTime {
  const date = new Date(unixMs);
  return {
    rfc3339: date.toISOString(),
    unix_ms: unixMs,
    weekday: weekdays[date.getUTCDay()] as Weekday,
    hour_utc: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}
