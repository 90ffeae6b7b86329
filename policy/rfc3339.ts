const minuteMs = 60_000;

/** `toISOString` takes 0.5 us, of which all but the seconds is the same for a minute: each request asks twice. */
let minute = Number.NaN;
let untilSeconds = '';

/** The moment of a request is asked for by its policy and by its record, and others have the same. */
let last = { unixMs: Number.NaN, text: '' };

/** RFC 3339 in UTC with milliseconds: what `Date.prototype.toISOString` answers. */
export function rfc3339(unixMs: number): string {
  if (unixMs !== last.unixMs) last = { unixMs, text: made(unixMs) };
  return last.text;
}

function made(unixMs: number): string {
  const whole = Math.trunc(unixMs);
  const of = Math.floor(whole / minuteMs);
  if (of !== minute) {
    untilSeconds = new Date(whole).toISOString().slice(0, -'00.000Z'.length);
    minute = of;
  }
  const inMinute = whole - of * minuteMs;
  const milliseconds = inMinute % 1000;
  const seconds = (inMinute - milliseconds) / 1000;
  return `${untilSeconds}${seconds < 10 ? '0' : ''}${seconds}.${milliseconds < 10 ? '00' : milliseconds < 100 ? '0' : ''}${milliseconds}Z`;
}
