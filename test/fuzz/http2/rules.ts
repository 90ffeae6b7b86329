import { fieldBlock } from '../../harness/http2-blocks.ts';
import { frame, prefaceText, settings, uint32 } from '../../harness/http2-frames.ts';
import { requestRefusals } from '../request-rules.ts';
import type { DifferenceRule, RefusalRule } from '../rule.ts';
import type { Looser } from './compare.ts';

/** Those of HTTP/1.1 that are about what a request says, and not about how its lines are written. */
const shared: ReadonlySet<string> = new Set([
  'size of a head',
  'number of fields',
  'length that is not canonical',
  'expectation',
  'target',
  'authority',
  'field with a second meaning',
  'two types of one content',
  'upgrade and CONNECT',
]);

/** What we refuse of a connection of HTTP/2 and Node's nghttp2 takes. */
export const http2Refusals: readonly RefusalRule[] = [
  ...requestRefusals.filter(({ name }) => shared.has(name)),
  {
    name: 'field name',
    code: 'malformed-header',
    detail: /^a field name/,
    why: 'no token of lower case: Node leaves the field out and serves the rest, and nobody is told (CVE-2023-25725)',
  },
  {
    name: 'field value',
    code: 'malformed-header',
    detail: /^a field value/,
    why: 'CR, LF, NUL or a space at an end (RFC 9113 8.2.1): Node leaves the field out; obs-text, which it takes, has no agreed meaning',
  },
  {
    name: 'te',
    code: 'malformed-header',
    detail: /^a field of a connection/,
    why: '`trailers` and nothing else (RFC 9113 8.2.2); nghttp2 takes it in any case',
  },
  { name: 'scheme', code: 'malformed-header', detail: /^:scheme/, why: 'https alone comes over TLS' },
  {
    name: 'path',
    code: 'malformed-request-line',
    why: 'visible ASCII alone; nghttp2 takes obs-text, of which HTTP/1.1 behind us would make another target',
  },
  {
    name: 'trailers',
    code: 'RST_STREAM PROTOCOL_ERROR',
    detail: /^client-aborted$/,
    why: 'a field that is none ends the stream there too; Node leaves it out',
  },
  {
    name: 'first frame',
    code: 'PROTOCOL_ERROR',
    detail: /^the first frame/,
    why: 'its type is enough to say that it is not SETTINGS; nghttp2 waits for the whole head of the frame',
  },
  {
    name: 'PRIORITY',
    code: 'PROTOCOL_ERROR',
    detail: /^PRIORITY/,
    why: 'on no stream it is an error (RFC 9113 6.3), whoever looks at priorities; nghttp2 does not any more',
  },
  {
    name: 'stream that was passed over',
    code: 'PROTOCOL_ERROR',
    detail: /never was/,
    why: 'it was closed when a later one began (RFC 9113 5.1.1), so that this is an error of the connection; nghttp2 ignores the frame',
  },
  {
    name: 'stream that its client has reset',
    code: 'STREAM_CLOSED',
    why: 'who has reset a stream sends nothing more on it (RFC 9113 5.1); ignored, it would be free',
  },
  {
    name: 'form of a frame on a stream that was refused',
    code: 'PROTOCOL_ERROR',
    detail: /^more padding/,
    why: 'it is wrong on every stream (RFC 9113 6.1); nghttp2 does not look at those of a stream that it has reset',
  },
  {
    name: 'size of a frame on a stream that was refused',
    code: 'FRAME_SIZE_ERROR',
    detail: /padding|priority/,
    why: 'as above',
  },
  {
    name: 'window of a stream that was refused',
    code: 'FLOW_CONTROL_ERROR',
    detail: /^settings/,
    why: 'it waits for its answer here, and is there until then; nghttp2 has reset it without one',
  },
  {
    name: 'size of CONTINUATION',
    code: 'FRAME_SIZE_ERROR',
    detail: /^a frame of/,
    why: '16,384 bytes, as of every frame (RFC 9113 4.2); nghttp2 does not look at it there',
  },
  {
    name: 'impatience',
    code: 'ENHANCE_YOUR_CALM',
    detail: /^too many/,
    why: 'frames that ask for nothing are counted, 200 at once and 50 a second (CVE-2023-44487, CVE-2025-8671)',
  },
  {
    name: 'length of a block',
    code: 'ENHANCE_YOUR_CALM',
    detail: /^a block/,
    why: 'a bound of ours on what is kept of a block whose end has not come (CVE-2024-27983)',
  },
];

/**
 * Only of what nghttp2 did not come to, because it had ended the connection: what it has read, it must have read as we
 * do.
 */
const behind =
  (reason: RegExp) =>
  ({ how, end }: Looser) =>
    /^(ended|absent|cut)$/.test(how) && reason.test(end);

const ofStream = behind(/^5 (HEADERS: stream closed|DATA: stream in half-closed)|^[13] WINDOW_UPDATE: window/);

const said = (...frames: readonly Buffer[]) => Buffer.concat([prefaceText, settings(), ...frames]).toString('latin1');
const setting = (name: number, value: number) =>
  frame('SETTINGS', [], 0, Buffer.concat([Buffer.from([0, name]), uint32(value)]));
const get = fieldBlock([
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/a'],
]);

/** What nghttp2 refuses, and we take. There is no rule for something that both take and read in two ways. */
export const http2Differences: readonly DifferenceRule<Looser>[] = [
  {
    name: 'error of a stream',
    why: 'RFC 9113 5.1, 6.9 and 8.1.1: it ends its stream, which is refused or reset here, and counted; nghttp2 ends the connection',
    when: (looser) => looser.faulted && ofStream(looser),
    example: said(frame('HEADERS', ['END_STREAM', 'END_HEADERS'], 1, get), frame('DATA', ['END_STREAM'], 1)),
  },
  {
    name: 'number of CONTINUATION',
    why: 'how many is for each to say (CVE-2024-27983): 16 here, within a bound of bytes, and 8 there',
    when: behind(/Too many CONTINUATION/),
    example: said(
      frame('HEADERS', ['END_STREAM'], 1, get),
      ...Array.from({ length: 9 }, () => frame('CONTINUATION', [], 1)),
      frame('CONTINUATION', ['END_HEADERS'], 1),
    ),
  },
  {
    name: 'acknowledgement of no PING',
    why: 'RFC 9113 6.7 says nothing of it: it has no effect here, and is counted',
    when: behind(/^2 , Protocol error$/),
    example: said(frame('PING', ['ACK'], 0, Buffer.alloc(8))),
  },
  {
    name: 'setting that we do not know',
    why: 'what we have not offered has no meaning to us (RFC 9113 6.5.2), whatever its value: extended CONNECT (RFC 8441)',
    when: behind(/SETTINGS_ENABLE_CONNECT_PROTOCOL/),
    example: said(setting(8, 2)),
  },
  {
    name: 'priorities that change',
    why: 'RFC 9218 2.1 leaves it to us; here nobody has a priority, of whichever kind',
    when: behind(/SETTINGS_NO_RFC7540_PRIORITIES cannot/),
    example: said(setting(9, 1)),
  },
];
