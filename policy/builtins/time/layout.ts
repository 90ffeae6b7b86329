/*
 * Go describes the form of a time by how it would write Monday, 2 January 2006, 15:04:05, in a zone seven hours west of
 * Greenwich: https://pkg.go.dev/time#pkg-constants
 */

/** A part of a layout: literal text, then an element of the reference time; the last part has none. */
export type LayoutPart = { readonly literal: string; readonly element: string };

const element = new RegExp(
  [
    'January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST',
    '002|0[1-6]|15|1|2006|2',
    '__2|_2(?!006)',
    '[345]|PM|pm',
    '[-Z]07(?:0000|:00:00|00|:00)?',
    '[.,](?:0+|9+)(?![0-9])',
  ].join('|'),
  'g',
);

/** The layouts that OPA knows by name. */
const named: ReadonlyMap<string, string> = new Map([
  ['ANSIC', 'Mon Jan _2 15:04:05 2006'],
  ['UnixDate', 'Mon Jan _2 15:04:05 MST 2006'],
  ['RubyDate', 'Mon Jan 02 15:04:05 -0700 2006'],
  ['RFC822', '02 Jan 06 15:04 MST'],
  ['RFC822Z', '02 Jan 06 15:04 -0700'],
  ['RFC850', 'Monday, 02-Jan-06 15:04:05 MST'],
  ['RFC1123', 'Mon, 02 Jan 2006 15:04:05 MST'],
  ['RFC1123Z', 'Mon, 02 Jan 2006 15:04:05 -0700'],
  ['RFC3339', '2006-01-02T15:04:05Z07:00'],
  ['RFC3339Nano', '2006-01-02T15:04:05.999999999Z07:00'],
]);

/** A policy has few layouts, unless it takes them from its input. */
const maxKnown = 100;
const maxKnownLength = 200;
const known = new Map<string, readonly LayoutPart[]>();

export function partsOf(layout: string): readonly LayoutPart[] {
  const parts = known.get(layout) ?? split(named.get(layout) ?? layout);
  if (known.size >= maxKnown && !known.has(layout)) known.delete(known.keys().next().value ?? '');
  if (layout.length <= maxKnownLength) known.set(layout, parts);
  return parts;
}

function split(text: string): readonly LayoutPart[] {
  const parts: LayoutPart[] = [];
  let end = 0;
  for (const found of text.matchAll(element)) {
    parts.push({ literal: text.slice(end, found.index), element: found[0] });
    end = found.index + found[0].length;
  }
  return [...parts, { literal: text.slice(end), element: '' }];
}

export const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
