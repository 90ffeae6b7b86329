import { METHODS } from 'node:http';
import type { WholeRequest } from './read-request.ts';
import type { DifferenceRule, RefusalRule } from './rule.ts';

/** What we refuse of requests and others take. */
export const requestRefusals: readonly RefusalRule[] = [
  {
    name: 'version',
    code: 'unsupported-version',
    why: 'HTTP/1.1 alone is served: HTTP/1.0 has no chunked body, HTTP/0.9 and RTSP have another grammar',
  },
  {
    name: 'empty line before a request',
    code: 'malformed-request-line',
    detail: /empty line/,
    why: 'RFC 9112 2.2 lets a server skip it, not everybody does: whoever does not reads a request of HTTP/0.9',
  },
  {
    name: 'request line',
    code: 'malformed-request-line',
    why: 'three parts, one space between two, CR LF behind: what splits otherwise has two targets',
  },
  {
    name: 'field line',
    code: 'malformed-header',
    why: 'token, colon, visible ASCII, CR LF: no obs-text (CVE-2026-73552), no folding, no lone LF (CVE-2023-30589)',
  },
  { name: 'size of a head', code: 'head-too-large', why: 'a bound of ours, refused and never cut' },
  {
    name: 'number of fields',
    code: 'too-many-headers',
    why: 'what is beyond the count may be the framing (CVE-2026-58044)',
  },
  {
    name: 'framing given twice',
    code: 'ambiguous-framing',
    detail: /more than one/,
    why: 'two that agree are one too many for whoever joins them (CVE-2026-1525)',
  },
  {
    name: 'tab beside the framing',
    code: 'ambiguous-framing',
    detail: /tab beside/,
    why: 'after `chunked` it makes another coding of it for llhttp, beside a length no number for nginx',
  },
  {
    name: 'coding other than chunked',
    code: 'ambiguous-framing',
    detail: /exactly chunked/,
    why: 'a list, another case or another coding is read in several ways (CVE-2020-8287, CVE-2026-23527)',
  },
  {
    name: 'length that is not canonical',
    code: 'ambiguous-framing',
    detail: /canonical/,
    why: '`01`, or more digits than a double holds, is another number to somebody',
  },
  {
    name: 'chunk framing',
    code: 'malformed-chunk',
    detail: /^(chunk size|line too long)$/,
    why: 'no extension (CVE-2024-22019, CVE-2026-2332), no size of more digits than can be counted',
  },
  {
    name: 'line end in a chunked body',
    code: 'malformed-chunk',
    detail: /LF without CR|longer than/,
    why: 'CR LF alone ends a line: a lone LF ends it for some only (CVE-2025-23167)',
  },
  {
    name: 'trailer field',
    code: 'malformed-chunk',
    detail: /^trailer$/,
    why: 'the fields of framing and connection have no place there (RFC 9110 6.5.1); the others are dropped',
  },
  {
    name: 'tiny chunks',
    code: 'malformed-chunk',
    detail: /tiny/,
    why: 'one byte in each chunk costs more than it carries (THREATS 1.7)',
  },
  {
    name: 'expectation',
    code: 'unsupported-expectation',
    why: '100-continue, once; every other expectation is refused with 417',
  },
  {
    name: 'target',
    code: 'ambiguous-target',
    why: 'origin-form without dot or empty segments, `;`, fragment or an encoding with a second reading (CVE-2021-29492, CVE-2026-73551)',
  },
  {
    name: 'authority',
    code: 'ambiguous-authority',
    why: 'one Host of the form host[:port]: the first of two wins here, the last there',
  },
  {
    name: 'field with a second meaning',
    code: 'ambiguous-header',
    why: 'names that fold to another, singletons given twice, overrides, judged fields nominated (CVE-2026-54763, CVE-2026-29054)',
  },
  {
    name: 'two types of one content',
    code: 'unsupported-media-type',
    why: 'which Content-Type counts differs between parsers, and with it the schema (CVE-2026-33806)',
  },
  {
    name: 'upgrade and CONNECT',
    code: 'upgrade-not-allowed',
    why: 'what follows is another protocol, or a tunnel (CVE-2026-73548, CVE-2026-71324)',
  },
];

/** What we accept of requests and llhttp does not read the same. */
export const requestDifferences: readonly DifferenceRule<WholeRequest>[] = [
  {
    name: 'method that llhttp does not know',
    why: 'llhttp knows a closed list of methods; any other token is refused by the router (405), whatever its letters',
    when: ({ head }) => !METHODS.includes(head.method),
    example: 'GETT /a HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
  {
    name: 'Proxy-Connection',
    why: 'llhttp takes it for Connection (RFC 9112 appendix C.2.2 does not); here it ends nothing and goes nowhere',
    when: ({ head }) => head.headers.some((name, index) => index % 2 === 0 && /^proxy-connection$/i.test(name)),
    example: 'GET /a HTTP/1.1\r\nHost: localhost\r\nProxy-Connection: close\r\n\r\n',
  },
];
