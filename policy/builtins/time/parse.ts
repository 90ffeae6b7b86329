import { BuiltinError } from '../builtin.ts';
import { instantOf } from './moment.ts';
import { type LayoutPart, months, partsOf, weekdays } from './layout.ts';
import { utc } from './zone.ts';
import { afterZoneName, offsetIn } from './parse-zone.ts';
import { TimeText } from './text.ts';

/** What was read so far; what never comes is left at its default. */
type Parsed = {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  half: 'am' | 'pm' | undefined;
  offset: number | undefined;
};

/** Nanoseconds since the epoch of a time in a layout of Go's; without a zone in it, UTC. Throws BuiltinError. */
export function parseTime(layout: string, value: string): bigint {
  const text = new TimeText(value);
  const parsed: Parsed = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    offset: undefined,
  };
  const parts = partsOf(layout);
  for (const [i, part] of parts.entries()) {
    text.skip(part.literal);
    read(part.element, parts[i + 1], text, parsed);
  }
  text.end();
  return assemble(parsed, text);
}

function read(element: string, next: LayoutPart | undefined, text: TimeText, parsed: Parsed): void {
  if (element === '') return;
  if (element.startsWith('.') || element.startsWith(',')) readFraction(element, text, parsed);
  else if (/^[-Z]/.test(element)) parsed.offset = offsetIn(element, text) ?? parsed.offset;
  else readers[element]?.(text, parsed, next);
}

type Reader = (text: TimeText, parsed: Parsed, next: LayoutPart | undefined) => void;

const month =
  (fixed: boolean): Reader =>
  (text, parsed) => {
    parsed.month = text.number(fixed, 1, 12);
  };

const monthName =
  (length: number): Reader =>
  (text, parsed) => {
    parsed.month = text.name(months.map((name) => name.slice(0, length))) + 1;
  };

const weekday =
  (length: number): Reader =>
  (text) => {
    text.name(weekdays.map((name) => name.slice(0, length)));
  };

const day =
  (fixed: boolean, padded = false): Reader =>
  (text, parsed) => {
    if (padded) text.optionalSpace();
    parsed.day = text.number(fixed, 0, 99);
  };

const yearDay =
  (fixed: boolean): Reader =>
  (text, parsed) => {
    if (!fixed) for (let i = 0; i < 2; i++) text.optionalSpace();
    parsed.yearDay = text.yearDay(fixed);
  };

const hour =
  (fixed: boolean, max: number): Reader =>
  (text, parsed) => {
    parsed.hour = text.number(fixed, 0, max);
  };

const minute =
  (fixed: boolean): Reader =>
  (text, parsed) => {
    parsed.minute = text.number(fixed, 0, 59);
  };

/** A fraction may follow the seconds also where the layout has none. */
const second =
  (fixed: boolean): Reader =>
  (text, parsed, next) => {
    parsed.second = text.number(fixed, 0, 59);
    if (/^[.,]/.test(next?.element ?? '')) return;
    parsed.nanosecond = text.fraction() ?? parsed.nanosecond;
  };

const half =
  (am: string, pm: string): Reader =>
  (text, parsed) => {
    const found = text.take(2);
    if (found !== am && found !== pm) return text.fail();
    parsed.half = found === am ? 'am' : 'pm';
  };

const readers: Readonly<Record<string, Reader>> = {
  '2006': (text, parsed) => {
    parsed.year = text.digits(4);
  },
  '06': (text, parsed) => {
    const year = text.signed(2);
    parsed.year = year + (year >= 69 ? 1900 : 2000);
  },
  January: monthName(9),
  Jan: monthName(3),
  '01': month(true),
  '1': month(false),
  Monday: weekday(9),
  Mon: weekday(3),
  '02': day(true),
  _2: day(false, true),
  '2': day(false),
  '002': yearDay(true),
  __2: yearDay(false),
  '15': hour(false, 23),
  '03': hour(true, 12),
  '3': hour(false, 12),
  '04': minute(true),
  '4': minute(false),
  '05': second(true),
  '5': second(false),
  PM: half('AM', 'PM'),
  pm: half('am', 'pm'),
  MST: (text) => afterZoneName(text),
};

/** Zeros ask for so many digits, nines take as many as there are, and none at all. */
function readFraction(element: string, text: TimeText, parsed: Parsed): void {
  if (element.endsWith('9')) parsed.nanosecond = text.fraction() ?? parsed.nanosecond;
  else parsed.nanosecond = text.exactFraction(element.length);
}

function assemble(parsed: Parsed, text: TimeText): bigint {
  const { year } = parsed;
  const [month, day] = parsed.yearDay === undefined ? [parsed.month ?? 1, parsed.day ?? 1] : fromYearDay(parsed, text);
  if (day < 1 || day > daysIn(month, year)) throw new BuiltinError('day out of range');
  const wall = instantOf({ ...parsed, month, day, hour: hourOf(parsed) }, utc);
  return wall - BigInt(parsed.offset ?? 0) * 1_000_000_000n;
}

function hourOf({ hour, half }: Parsed): number {
  if (half === 'pm' && hour < 12) return hour + 12;
  return half === 'am' && hour === 12 ? 0 : hour;
}

/** Month and day have to agree with the day of the year where the text has both. */
function fromYearDay({ year, yearDay = 0, month, day }: Parsed, text: TimeText): readonly [number, number] {
  if (yearDay < 1 || yearDay > 365 + Number(daysIn(2, year) === 29)) return text.fail('day-of-year out of range');
  let rest = yearDay;
  let found = 1;
  while (rest > daysIn(found, year)) {
    rest -= daysIn(found, year);
    found++;
  }
  if ((month ?? found) !== found || (day ?? rest) !== rest) return text.fail('day-of-year does not match the date');
  return [found, rest];
}

function daysIn(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
