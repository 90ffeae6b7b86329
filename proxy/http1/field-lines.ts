import type { HeaderList } from '../header-list.ts';
import { isToken } from './grammar.ts';

/** Whether `text[start, end)` may be the value of a field. */
type ValueRule = (text: string, start: number, end: number) => boolean;

/**
 * Reads field lines up to the empty line that ends them (RFC 9112 section 5). The list is as sent: order, case,
 * duplicates. @returns the number of the first line that is no field, from 1, where there is one
 */
export function readFieldLines(text: string, start: number, isValue: ValueRule): HeaderList | number {
  const headers: string[] = [];
  for (let at = start; ; ) {
    const end = text.indexOf('\r\n', at);
    if (end === at) return headers;
    const colon = text.indexOf(':', at);
    // A line that starts with white space (obs-fold) or has one before the colon fails here: neither is a token.
    if (colon === -1 || colon > end || !isToken(text, at, colon) || !isValue(text, colon + 1, end)) {
      return headers.length / 2 + 1;
    }
    headers.push(text.slice(at, colon), trimOptionalSpace(text, colon + 1, end));
    at = end + 2;
  }
}

function trimOptionalSpace(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
