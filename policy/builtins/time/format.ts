import { BuiltinError } from '../builtin.ts';
import { fieldsOf, type Moment, offsetSeconds } from './moment.ts';
import { months, partsOf, weekdays } from './layout.ts';

type Shown = ReturnType<typeof fieldsOf> & { readonly moment: Moment };

const padded = (value: number, width: number, fill = '0'): string => String(value).padStart(width, fill);
const hour12 = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);

const writers: Readonly<Record<string, (shown: Shown) => string>> = {
  '2006': ({ year }) => padded(year, 4),
  '06': ({ year }) => padded(year % 100, 2),
  January: ({ month }) => months[month - 1] ?? '',
  Jan: ({ month }) => (months[month - 1] ?? '').slice(0, 3),
  '01': ({ month }) => padded(month, 2),
  '1': ({ month }) => String(month),
  Monday: ({ weekday }) => weekdays[weekday] ?? '',
  Mon: ({ weekday }) => (weekdays[weekday] ?? '').slice(0, 3),
  '02': ({ day }) => padded(day, 2),
  _2: ({ day }) => padded(day, 2, ' '),
  '2': ({ day }) => String(day),
  '002': ({ yearDay }) => padded(yearDay, 3),
  __2: ({ yearDay }) => padded(yearDay, 3, ' '),
  '15': ({ hour }) => padded(hour, 2),
  '03': ({ hour }) => padded(hour12(hour), 2),
  '3': ({ hour }) => String(hour12(hour)),
  '04': ({ minute }) => padded(minute, 2),
  '4': ({ minute }) => String(minute),
  '05': ({ second }) => padded(second, 2),
  '5': ({ second }) => String(second),
  PM: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  pm: ({ hour }) => (hour < 12 ? 'am' : 'pm'),
  MST: ({ moment }) => abbreviation(moment),
};

/** The moment in a layout of Go's. Throws BuiltinError. */
export function formatMoment(moment: Moment, layout: string): string {
  const shown = { ...fieldsOf(moment), moment };
  return partsOf(layout)
    .map((part) => part.literal + written(part.element, shown))
    .join('');
}

function written(element: string, shown: Shown): string {
  if (element === '') return '';
  if (element.startsWith('.') || element.startsWith(',')) return fraction(element, shown.nanosecond);
  return writers[element]?.(shown) ?? numericZone(element, offsetSeconds(shown.moment));
}

/** With nines, zeros at the end are left out, and the separator with them. */
function fraction(element: string, nanosecond: number): string {
  const digits = padded(nanosecond, 9).slice(0, element.length - 1);
  if (element.endsWith('0')) return element.slice(0, 1) + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : element.slice(0, 1) + kept;
}

/** `-0700` and its kin. */
function numericZone(element: string, offset: number): string {
  if (element.startsWith('Z') && offset === 0) return 'Z';
  const colon = element.includes(':') ? ':' : '';
  const size = Math.abs(offset);
  const parts = [Math.floor(size / 3_600), Math.floor(size / 60) % 60, size % 60];
  const count = element.replaceAll(/[^0-9]/g, '').length / 2;
  // As in Go, what is left of an offset west of Greenwich by less than a minute has no sign.
  const sign = Math.trunc(offset / 60) < 0 ? '-' : '+';
  return (
    sign +
    parts
      .slice(0, count)
      .map((part) => padded(part, 2))
      .join(colon)
  );
}

/** Intl has names like `GMT+1` where the tz database has `CET`: better none than another one than OPA's. */
function abbreviation({ zone }: Moment): string {
  if (zone.name === 'UTC') return 'UTC';
  throw new BuiltinError(`the abbreviation of ${zone.name} is not known here: use a numeric zone such as -0700`);
}
