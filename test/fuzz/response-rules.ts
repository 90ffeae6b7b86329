import type { RefusalRule } from './rule.ts';

const code = 'upstream-malformed';

/** What we refuse of responses and others take. There is nothing that we accept and llhttp does not read the same. */
export const responseRefusals: readonly RefusalRule[] = [
  {
    name: 'status line',
    code,
    detail: /status line/,
    why: 'HTTP/1.1 or 1.0 and a status of 100 to 599: what has another version or status has another meaning',
  },
  { name: 'field line', code, detail: /^header line|^bare-lf$/, why: 'token, colon, no control character, CR LF' },
  { name: 'size of a head', code, detail: /^too-(large|many-lines)$/, why: 'bounds of ours, refused and never cut' },
  {
    name: '100 or 101',
    code,
    detail: /nobody asked/,
    why: 'nothing was asked to be continued or switched (CVE-2026-73548)',
  },
  {
    name: 'interim answer with framing',
    code,
    detail: /^an interim/,
    why: 'some read the body that it announces, or its end of the connection',
  },
  {
    name: 'number of interim answers',
    code,
    detail: /^too many interim/,
    why: 'more than eight keep us busy for nothing',
  },
  {
    name: 'framing given twice',
    code,
    detail: /ambiguous/,
    why: 'two that agree are one too many for whoever joins them (CVE-2026-6733)',
  },
  {
    name: 'tab beside the framing',
    code,
    detail: /tab beside/,
    why: 'after `chunked` it makes another coding of it for llhttp, beside a length no number for nginx',
  },
  {
    name: 'coding other than chunked',
    code,
    detail: /exactly chunked/,
    why: 'another coding or case has several readings',
  },
  {
    name: 'coding in HTTP/1.0',
    code,
    detail: /HTTP\/1\.0/,
    why: 'RFC 9112 6.1: who passed it on may not have understood it',
  },
  {
    name: 'content where some look for none',
    code,
    detail: /^content of/,
    why: 'a 205 must have none (RFC 9110 15.3.6), a 305 is deprecated: a client that looks for none reads it as its next answer',
  },
  { name: 'length that is not canonical', code, detail: /canonical/, why: '`01` is another number to somebody' },
  {
    name: 'chunk framing',
    code,
    detail: /^(chunk size|line too long)$/,
    why: 'no extension, no size of more digits than can be counted',
  },
  { name: 'line end in a chunked body', code, detail: /LF without CR|longer than/, why: 'CR LF alone ends a line' },
  {
    name: 'trailer field',
    code,
    detail: /^trailer$/,
    why: 'the fields of framing and connection have no place there (RFC 9110 6.5.1)',
  },
];
