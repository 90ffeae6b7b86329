import type { Value } from '../../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from '../builtin.ts';
import { codePointCount, hasSurrogates, unitOffset } from './code-points.ts';
import { chargeForText } from './charge.ts';
import { index, text, texts } from '../operands.ts';
import { indexOf, occurrences, splitAt } from './search.ts';

const concat: Builtin = (context, delimiter, collection) => {
  const between = text(delimiter, 1);
  const parts = texts(collection, 2);
  context.charge(parts.length >>> 2);
  let units = between.length * parts.length;
  for (const part of parts) units += part.length;
  chargeForText(context, units);
  return parts.join(between);
};

const split: Builtin = (context, value, delimiter) => {
  const whole = text(value, 1);
  chargeForText(context, whole.length);
  const pieces = piecesOf(whole, text(delimiter, 2));
  context.charge(pieces.length >>> 1);
  return pieces;
};

/** An empty delimiter splits into characters, and an empty text then into nothing. */
const piecesOf = (whole: string, delimiter: string): readonly string[] =>
  delimiter === '' ? Array.from(whole) : splitAt(whole, delimiter);

/** The first `limit` pieces; of a negative limit, so many last ones. */
const splitN: Builtin = (context, value, delimiter, limit) => {
  const whole = text(value, 1);
  chargeForText(context, whole.length);
  const pieces = piecesOf(whole, text(delimiter, 2));
  context.charge(pieces.length >>> 1);
  const wanted = index(limit, 3);
  return wanted >= 0 ? pieces.slice(0, wanted) : pieces.slice(wanted);
};

/** The text to search, and what for, which is not empty. */
function searchFor(value: Value, part: Value): readonly [string, string] {
  const [whole, wanted] = [text(value, 1), text(part, 2)];
  if (wanted === '') throw new BuiltinError('empty search character');
  return [whole, wanted];
}

const indexof: Builtin = (context, value, part) => {
  const [whole, wanted] = searchFor(value, part);
  chargeForText(context, whole.length);
  const at = indexOf(whole, wanted);
  return at > 0 ? codePointCount(whole.slice(0, at)) : at;
};

/** Every place, overlapping ones too: "aa" is twice in "aaa". */
const indexofN: Builtin = (context, value, part) => {
  const [whole, wanted] = searchFor(value, part);
  chargeForText(context, whole.length);
  const found: number[] = [];
  let [units, points] = [0, 0];
  for (let at = indexOf(whole, wanted); at !== -1; at = indexOf(whole, wanted, at + 1)) {
    context.charge(1 + (wanted.length >>> 4));
    points += codePointCount(whole.slice(units, at));
    units = at;
    found.push(points);
  }
  return found;
};

/** A negative length means all the rest. */
const substring: Builtin = (context, value, offset, length) => {
  const whole = text(value, 1);
  const start = index(offset, 2);
  const count = index(length, 3);
  if (start < 0) throw new BuiltinError('negative offset');
  chargeForText(context, whole.length);
  if (!hasSurrogates(whole)) return whole.slice(start, count < 0 ? undefined : start + count);
  const rest = whole.slice(unitOffset(whole, start));
  return count < 0 ? rest : rest.slice(0, unitOffset(rest, count));
};

const stringsCount: Builtin = (context, value, part) => {
  const [whole, wanted] = [text(value, 1), text(part, 2)];
  chargeForText(context, whole.length);
  // An empty part is before, between and after all characters.
  if (wanted === '') return codePointCount(whole) + 1;
  let count = 0;
  for (const _at of occurrences(whole, wanted)) count++;
  context.charge(count);
  return count;
};

const reverse: Builtin = (context, value) => {
  const forward = text(value, 1);
  context.charge(forward.length >>> 1);
  return Array.from(forward).toReversed().join('');
};

const contains: Builtin = (context, value, part) => {
  const [whole, wanted] = [text(value, 1), text(part, 2)];
  chargeForText(context, whole.length);
  return indexOf(whole, wanted) !== -1;
};

export const stringBuiltins: Builtins = {
  concat,
  contains,
  endswith: (_context, value, suffix) => text(value, 1).endsWith(text(suffix, 2)),
  indexof,
  indexof_n: indexofN,
  split,
  startswith: (_context, value, prefix) => text(value, 1).startsWith(text(prefix, 2)),
  'strings.count': stringsCount,
  'strings.reverse': reverse,
  'strings.split_n': splitN,
  substring,
};
