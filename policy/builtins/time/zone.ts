import { type BuiltinContext, BuiltinError } from '../builtin.ts';

export type Zone = {
  readonly name: string;
  /** East of Greenwich, at an instant. */
  readonly offsetSeconds: (unixMs: number) => number;
};

export const utc: Zone = { name: 'UTC', offsetSeconds: () => 0 };

/** A formatter of Intl takes tens of kilobytes and 120 us to make, and there are 600 names. */
const maxZones = 64;
const zoneSteps = 2_400;
const zones = new Map<string, Zone>();

/** A zone of the tz database, which is the one inside of V8. Throws BuiltinError. */
export function zoneNamed({ charge }: BuiltinContext, name: string): Zone {
  if (name === '' || name === 'UTC') return utc;
  const known = zones.get(name);
  if (known !== undefined) return known;
  charge(zoneSteps);
  const zone = makeZone(name);
  if (zones.size >= maxZones) zones.delete(zones.keys().next().value ?? '');
  zones.set(name, zone);
  return zone;
}

function makeZone(name: string): Zone {
  const formatter = formatterFor(name);
  // The last answer serves the usual next question, which is about the same instant.
  let last = { unixMs: NaN, seconds: 0 };
  const offsetSeconds = (unixMs: number): number => {
    if (last.unixMs !== unixMs) last = { unixMs, seconds: readOffset(formatter.format(unixMs)) };
    return last.seconds;
  };
  return { name, offsetSeconds };
}

/**
 * Intl also takes offsets for zones, and a name in any case; OPA takes neither. `Local` would be the zone of this machine,
 * and a decision must not depend on that.
 */
function formatterFor(name: string): Intl.DateTimeFormat {
  try {
    if (!/^[A-Z]/i.test(name) || name === 'Local') throw new RangeError('not a name of the tz database');
    const formatter = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    const canonical = formatter.resolvedOptions().timeZone;
    if (canonical !== name && canonical.toLowerCase() === name.toLowerCase()) throw new RangeError('in another case');
    return formatter;
  } catch (cause) {
    throw new BuiltinError(`unknown time zone ${JSON.stringify(name.slice(0, 100))}`, { cause });
  }
}

/** From `1/31/1970, GMT+05:30`; `GMT` alone is Greenwich, and old offsets have seconds. */
function readOffset(formatted: string): number {
  const found = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(formatted);
  if (found === null) return 0;
  const [, sign, hours, minutes, seconds = 0] = found;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
}
