import { integer as normalInteger } from '../../value/number.ts';
import { type Builtin, type Builtins } from '../builtin.ts';
import { parseDuration } from './duration.ts';
import { fieldsOf, instantOf, type Moment, readMoment, timestamp } from './moment.ts';
import { integer, text } from '../operands.ts';
import { formatMoment } from './format.ts';
import { weekdays } from './layout.ts';
import { parseTime } from './parse.ts';

/**
 * `time.now_ns` is the request's time from the input, not the clock: the same input then decides the same way, and a
 * decision can be repeated from its audit record.
 */
const nowNs: Builtin = ({ unixMs }) => {
  if (unixMs === undefined || !Number.isSafeInteger(unixMs)) return undefined;
  return normalInteger(BigInt(unixMs) * 1_000_000n);
};

const date: Builtin = (context, moment) => {
  const { year, month, day } = fieldsOf(readMoment(context, moment));
  return [year, month, day];
};

const clock: Builtin = (context, moment) => {
  const { hour, minute, second } = fieldsOf(readMoment(context, moment));
  return [hour, minute, second];
};

const weekday: Builtin = (context, moment) => weekdays[fieldsOf(readMoment(context, moment)).weekday];

const addDate: Builtin = (context, value, years, months, days) => {
  const moment = readMoment(context, value);
  const fields = fieldsOf(moment);
  const later = {
    ...fields,
    year: fields.year + integer(years, 2),
    month: fields.month + integer(months, 3),
    day: fields.day + integer(days, 4),
  };
  return timestamp(instantOf(later, moment.zone));
};

/** Both in the zone of the first, the earlier one from the later one, field by field. */
const diff: Builtin = (context, a, b) => {
  const first: Moment = readMoment(context, a);
  const second: Moment = { ...readMoment(context, b), zone: first.zone };
  const [from, to] = (first.ns > second.ns ? [second, first] : [first, second]).map(fieldsOf) as [Fields, Fields];
  const borrow = [12, new Date(Date.UTC(from.year, from.month, 0)).getUTCDate(), 24, 60, 60];
  const apart = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ];
  for (let i = apart.length - 1; i > 0; i--) {
    if ((apart[i] as number) >= 0) continue;
    apart[i] = (apart[i] as number) + (borrow[i - 1] as number);
    apart[i - 1] = (apart[i - 1] as number) - 1;
  }
  return apart;
};

type Fields = ReturnType<typeof fieldsOf>;

const format: Builtin = (context, value) => {
  const moment = readMoment(context, value);
  context.charge(moment.layout.length);
  return formatMoment(moment, moment.layout === '' ? 'RFC3339Nano' : moment.layout);
};

const parseNs: Builtin = ({ charge }, layout, value) => {
  const form = text(layout, 1);
  const written = text(value, 2);
  charge(form.length + written.length);
  return timestamp(parseTime(form, written));
};

const parseRfc3339Ns: Builtin = (_context, value) => timestamp(parseTime('RFC3339', text(value, 1)));

const parseDurationNs: Builtin = (_context, value) => normalInteger(parseDuration(text(value, 1)));

export const timeBuiltins: Builtins = {
  'time.add_date': addDate,
  'time.clock': clock,
  'time.date': date,
  'time.diff': diff,
  'time.format': format,
  'time.now_ns': nowNs,
  'time.parse_duration_ns': parseDurationNs,
  'time.parse_ns': parseNs,
  'time.parse_rfc3339_ns': parseRfc3339Ns,
  'time.weekday': weekday,
};
