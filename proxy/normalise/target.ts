import { type Denial, deny } from '../denial.ts';

/** A request target with exactly one reading; `target` is what was sent, and what will be sent on, byte for byte. */
export type Target = {
  readonly target: string;
  /** The part before `?`. */
  readonly path: string;
  /** As sent, for comparing with route templates. */
  readonly segments: readonly string[];
  /** Percent-decoded, for policy and parameters. */
  readonly decodedSegments: readonly string[];
  /** Decoded name and value pairs, in order. */
  readonly query: readonly (readonly [name: string, value: string])[];
};

// RFC 3986 pchar without `;`: what `/a/..;x=y/b` means differs between servers (CVE-2026-73551, -73511, -73553).
const pathCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-F]{2})*$/;
const queryCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@/?]|%[0-9A-Fa-f]{2})*$/;
// Encoded slash, backslash, semicolon, NUL and controls, `%` itself (double encoding), and characters that need no
// encoding: two spellings of one path are one too many (CVE-2021-29492, CVE-2026-16117).
const ambiguousEncoding = /%(?:2F|5C|3B|25|[01][0-9A-F]|7F|2D|2E|5F|7E|3[0-9]|[46][1-9A-F]|[57][0-9A])/;
const encodedControl = /%(?:[01][0-9A-Fa-f]|7[Ff])/;

const ambiguous = (detail: string): Denial => deny('ambiguous-target', { detail });

/** Reads an origin-form target (RFC 9112 section 3.2.1); every other form and every second reading is refused. */
export function readTarget(target: string): Target | Denial {
  if (!target.startsWith('/')) return ambiguous('not origin-form');
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const plain = plainSegments(path);
  if (plain === undefined && !pathCharacters.test(path)) {
    return ambiguous('a character or an encoding that a path may not have');
  }
  if (plain === undefined && ambiguousEncoding.test(path)) {
    return ambiguous('a percent-encoding that two servers may read differently');
  }
  const segments = plain ?? path.slice(1).split('/');
  if (segments.some(isEmptyOrDots)) return ambiguous('an empty or a dot segment');
  const decodedSegments = plain ?? decodeAll(segments);
  if (decodedSegments === undefined) return ambiguous('the path is not UTF-8');
  const query = mark === -1 ? [] : readQuery(target.slice(mark + 1));
  return 'code' in query ? query : { target, path, segments, decodedSegments, query };
}

const slash = 0x2f;
const pathCharacter = new Uint8Array(128).map((_, code) => (pathCharacters.test(String.fromCharCode(code)) ? 1 : 0));

/** The segments of a path in which nothing is encoded, as most are; undefined where more than that has to be looked at. */
function plainSegments(path: string): readonly string[] | undefined {
  const segments: string[] = [];
  let start = 1;
  for (let at = 1; at < path.length; at += 1) {
    const code = path.charCodeAt(at);
    if (code > 0x7f || pathCharacter[code] !== 1) return undefined;
    if (code !== slash) continue;
    segments.push(path.slice(start, at));
    start = at + 1;
  }
  if (path.length > 1) segments.push(path.slice(start));
  return segments;
}

const isEmptyOrDots = (segment: string): boolean => segment === '' || segment === '.' || segment === '..';

/** `;` separates pairs for some servers and not for others, so it has no place here either. */
function readQuery(text: string): Target['query'] | Denial {
  if (!queryCharacters.test(text) || encodedControl.test(text)) {
    return ambiguous('a character or an encoding that a query may not have');
  }
  const query: (readonly [string, string])[] = [];
  for (const part of text === '' ? [] : text.split('&')) {
    const equals = part.indexOf('=');
    const pair = equals === -1 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    const decoded = decodeAll(pair.map((half) => half.replaceAll('+', ' ')));
    if (decoded === undefined) return ambiguous('the query is not UTF-8');
    query.push([decoded[0] ?? '', decoded[1] ?? '']);
  }
  return query;
}

function decodeAll(texts: readonly string[]): readonly string[] | undefined {
  try {
    return texts.map((text) => (text.includes('%') ? decodeURIComponent(text) : text));
  } catch {
    return undefined; // not UTF-8, overlong forms included
  }
}
