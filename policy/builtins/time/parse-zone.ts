import type { TimeText } from './text.ts';

/** Seconds east of Greenwich for a numeric element such as `-07:00`; undefined for none, which is UTC. */
export function offsetIn(element: string, text: TimeText): number | undefined {
  if (element.startsWith('Z') && text.startsWith('Z')) {
    text.take(1);
    return 0;
  }
  const sign = text.take(1);
  if (sign !== '+' && sign !== '-') return text.fail();
  const colon = element.includes(':');
  const count = element.replaceAll(/[^0-9]/g, '').length / 2;
  let seconds = 0;
  for (const [i, [max, size]] of units.slice(0, count).entries()) {
    if (i > 0 && colon && text.take(1) !== ':') return text.fail();
    seconds += size * twoDigits(text, max);
  }
  return sign === '-' ? -seconds : seconds;
}

/** Go takes 24 hours and 60 minutes, since people write them. */
const units = [
  [24, 3_600],
  [60, 60],
  [60, 1],
] as const;

function twoDigits(text: TimeText, max: number): number {
  const value = text.digits(2);
  return value > max ? text.fail('time zone offset out of range') : value;
}

/**
 * Takes an abbreviation such as `CET`, whose offset nobody knows: Go takes the time for UTC, since the only ones that it
 * knows are those of the machine's own zone.
 */
export function afterZoneName(text: TimeText): void {
  text.take(abbreviationLength(text));
}

function abbreviationLength(text: TimeText): number {
  if (text.peek(3).length < 3) return text.fail();
  if (text.startsWith('UTC')) return 3;
  if (text.startsWith('ChST') || text.startsWith('MeST')) return 4;
  if (text.startsWith('GMT')) return 3 + signedHours(text.peek(30).slice(3));
  if (text.startsWith('+') || text.startsWith('-')) {
    const length = signedHours(text.peek(30));
    return length === 0 ? text.fail() : length;
  }
  const letters = /^[A-Z]*/.exec(text.peek(6))?.[0] ?? '';
  if (letters.length === 3 || letters === 'WITA') return letters.length;
  return (letters.length === 4 || letters.length === 5) && letters.endsWith('T') ? letters.length : text.fail();
}

/** The length of `+3`, at most 23. */
function signedHours(text: string): number {
  const found = /^[+-]([0-9]+)/.exec(text);
  return found !== null && Number(found[1]) <= 23 ? found[0].length : 0;
}
