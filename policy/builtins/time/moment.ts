import { wholeOf } from '../../value/decimal.ts';
import { integer as normalInteger } from '../../value/number.ts';
import { isArray, isNumber, type NumberValue, RegoDecimal, type Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { mismatch, text } from '../operands.ts';
import { utc, type Zone, zoneNamed } from './zone.ts';

/** A point in time, with the zone in which it is looked at. */
export type Moment = { readonly ns: bigint; readonly zone: Zone };

/** What clock and calendar show. */
export type Fields = {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
};

const min = -(2n ** 63n);
const max = 2n ** 63n - 1n;

/** `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`. Throws BuiltinError. */
export function readMoment(context: BuiltinContext, value: Value | undefined): Moment & { readonly layout: string } {
  if (isNumber(value)) return { ns: nanoseconds(value), zone: utc, layout: '' };
  if (!isArray(value) || value.length === 0) {
    return mismatch(1, 'either number (ns) or [number (ns), string (tz)]', value);
  }
  const [ns, zone = '', layout = ''] = value;
  return {
    ns: isNumber(ns) ? nanoseconds(ns) : mismatch(1, 'number', ns),
    zone: zoneNamed(context, text(zone, 1)),
    layout: text(layout, 1),
  };
}

function nanoseconds(value: NumberValue): bigint {
  // Of those, an integer is far too large.
  const ns = value instanceof RegoDecimal ? undefined : wholeOf(value);
  if (ns === undefined) throw new BuiltinError('timestamp is no integer');
  if (ns < min || ns > max) throw new BuiltinError('timestamp too big');
  return ns;
}

/** Nanoseconds since the epoch as a value of Rego, as long as an int64 holds them. */
export function timestamp(ns: bigint): NumberValue {
  if (ns < min || ns > max) throw new BuiltinError('time outside of valid range');
  return normalInteger(ns);
}

/** Milliseconds since the epoch, rounded down. */
function milliseconds(ns: bigint): number {
  return Number((ns - modulo(ns, 1_000_000n)) / 1_000_000n);
}

const modulo = (value: bigint, divisor: bigint): bigint => ((value % divisor) + divisor) % divisor;

export const offsetSeconds = ({ ns, zone }: Moment): number => zone.offsetSeconds(milliseconds(ns));

/** The fields and, from 0 for Sunday, the day of the week. */
export function fieldsOf(moment: Moment): Fields & { readonly weekday: number; readonly yearDay: number } {
  const local = new Date(milliseconds(moment.ns) + offsetSeconds(moment) * 1_000);
  const year = local.getUTCFullYear();
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: Number(modulo(moment.ns, 1_000_000_000n)),
    weekday: local.getUTCDay(),
    yearDay: Math.floor((local.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
  };
}

/**
 * Nanoseconds of what clock and calendar of a zone show; months and days beyond their range count on. A clock reading
 * that summer time skips or repeats is taken as Go takes it. Throws BuiltinError when no int64 holds it.
 */
export function instantOf(fields: Fields, zone: Zone): bigint {
  // Not Date.UTC: that takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(fields.year, fields.month - 1, fields.day);
  date.setUTCHours(fields.hour, fields.minute, fields.second);
  const wall = date.getTime();
  if (Number.isNaN(wall)) throw new BuiltinError('time outside of valid range');
  const guess = zone.offsetSeconds(wall);
  const offset = guess === 0 ? 0 : zone.offsetSeconds(wall - guess * 1_000);
  return BigInt(wall - offset * 1_000) * 1_000_000n + BigInt(fields.nanosecond);
}
