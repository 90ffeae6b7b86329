import type { HeaderList } from '../header-list.ts';
import { knownText } from './known-text.ts';
import { type CharacterClass, endOf, token } from '../message-grammar.ts';

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const colonSign = 0x3a;

/**
 * Reads field lines up to the empty line that ends them (RFC 9112 section 5). The list is as sent: order, case,
 * duplicates. Each line of `bytes` ends in CR LF: that is what a `LineSearch` has found.
 * @param text the bytes, as latin1
 * @param value of what bytes the value of a field may be
 * @returns the number of the first line that is no field, from 1, where there is one
 */
export function readFieldLines(bytes: Buffer, text: string, start: number, value: CharacterClass): HeaderList | number {
  const headers: string[] = [];
  for (let at = start; ; ) {
    const colon = endOf(token, bytes, at);
    if (colon === at && isEnd(bytes, at)) return headers;
    const end = endOf(value, bytes, colon + 1);
    // A line that starts with white space (obs-fold) or has one before the colon fails here: neither is a token.
    if (colon === at || bytes[colon] !== colonSign || !isEnd(bytes, end)) return headers.length / 2 + 1;
    headers.push(knownText(bytes, at, colon), trimOptionalSpace(bytes, text, colon + 1, end));
    at = end + 2;
  }
}

function isEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === carriageReturn && bytes[at + 1] === lineFeed;
}

function trimOptionalSpace(bytes: Buffer, text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isSpace(bytes[from])) from += 1;
  while (to > from && isSpace(bytes[to - 1])) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number | undefined): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Whether a tab stands beside the length or the coding of a body. RFC 9110 section 5.6.3 lets it, but readers differ: llhttp takes
 * `chunked` with a tab behind it for another coding, nginx a length with one for no number (CVE-2019-15605, THREATS 1.1).
 * @param text a whole head
 */
export function hasTabbedFraming(text: string): boolean {
  return text.includes('\t') && tabbedFraming.test(text);
}

const tabbedFraming = /\n(?:content-length|transfer-encoding):[^\r\n]*\t/i;
