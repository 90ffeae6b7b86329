import { type Field, fieldBlock, indexed, indexedLiteral } from '../../harness/http2-blocks.ts';
import { frame, goAway, prefaceText, resetStream, settings, windowUpdate } from '../../harness/http2-frames.ts';
import { type Http2Vector, loadHttp2Vectors, requestFrames, stepFrames, textOf } from '../../harness/http2-vectors.ts';

const hello = Buffer.concat([prefaceText, settings()]);
const from = (...frames: readonly Buffer[]) => Buffer.concat([hello, ...frames]);

export const askedFor = (method: string, path: string): readonly Field[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
];

const get = (stream: number, ...fields: readonly Field[]) =>
  frame('HEADERS', ['END_STREAM', 'END_HEADERS'], stream, fieldBlock([...askedFor('GET', '/a/b?c=d'), ...fields]));
const post = (stream: number, ...fields: readonly Field[]) =>
  frame('HEADERS', ['END_HEADERS'], stream, fieldBlock([...askedFor('POST', '/a'), ...fields]));
const data = (stream: number, text: string) => frame('DATA', [], stream, Buffer.from(text));
const lastData = (stream: number, text: string) => frame('DATA', ['END_STREAM'], stream, Buffer.from(text));
const trailers = (stream: number) =>
  frame('HEADERS', ['END_STREAM', 'END_HEADERS'], stream, fieldBlock([['x-a', 'b']]));
const ping = frame('PING', [], 0, Buffer.from('12345678'));
const acknowledged = frame('SETTINGS', ['ACK'], 0);

/** Asks, asks again and sends: by a client of node:http2 (nghttp2), with its table and its Huffman code. */
const byNode = Buffer.from(
  `505249202a20485454502f322e300d0a0d0a534d0d0a0d0a0000060400000000000002000000000000000401000000000000490105000000010487606c47fe12093f82418aa0e4
1d139d09b8d34cff87538b1d75d0620d263d4c7441ea7a873d9216c43015c51f088aba51d85b141c645e42cb4089f2b585ed6950958d278376564700001c010500000003048760
6c47fe12093f82c187c0bf1f088aba51d85b141c645e42cbbe0000320104000000050487606c47fe12093f83c187c0bf1f088aba51d85b141c645e42cbbe5f8b1d75d0620d263d
4c7441ea1f11861c11fda848240000070001000000057b2261223a317d`.replaceAll('\n', ''),
  'hex',
);

/** Plainly good ones, so that many mutants are too. */
export const goodConnections: readonly Buffer[] = [
  from(get(1)),
  from(post(1, ['content-length', '11'], ['content-type', 'text/plain']), lastData(1, 'hello world')),
  from(post(1), data(1, 'hello'), data(1, ''), data(1, ' world'), lastData(1, '')),
  from(post(1), frame('DATA', ['PADDED', 'END_STREAM'], 1, Buffer.from('\x03hello\0\0\0'))),
  from(
    frame(
      'HEADERS',
      ['END_STREAM', 'END_HEADERS', 'PADDED', 'PRIORITY'],
      1,
      paddedWithPriority(fieldBlock(askedFor('GET', '/p'))),
    ),
  ),
  from(...inThree(1, fieldBlock([...askedFor('GET', '/c'), ['x-a', 'b']]))),
  from(post(1, ['te', 'trailers'], ['trailer', 'x-a']), data(1, 'hello'), trailers(1)),
  from(get(1, ['cookie', 'a=b'], ['accept', '*/*'], ['cookie', 'c=d'], ['host', 'localhost'])),
  from(get(1, ['x-long', 'v'.repeat(1000)])),
  from(twice(1, 3, ['x-table', 'kept'])),
  from(
    settings({ INITIAL_WINDOW_SIZE: 10, HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0 }),
    acknowledged,
    ping,
    get(1),
    windowUpdate(0, 1000),
    windowUpdate(1, 100),
  ),
  from(post(1), data(1, 'a'), resetStream(1), get(3), resetStream(3)),
  from(post(1), get(3), data(1, 'one'), post(5, ['expect', '100-continue']), lastData(5, 'five'), lastData(1, 'more')),
  from(
    get(1),
    frame('PRIORITY', [], 1, Buffer.from('0000000010', 'hex')),
    frame(99, 7, 1, Buffer.from('x')),
    goAway(0, 'NO_ERROR'),
    get(3),
  ),
  from(...Array.from({ length: 20 }, (_, index) => get(2 * index + 1))),
  from(settings({ INITIAL_WINDOW_SIZE: 1_000_000 }), windowUpdate(0, 10_000_000), get(1), get(3), get(5)),
  from(
    settings({ INITIAL_WINDOW_SIZE: 0 }),
    get(1),
    get(3),
    windowUpdate(1, 50_000),
    settings({ INITIAL_WINDOW_SIZE: 30_000 }),
    windowUpdate(0, 200_000),
    windowUpdate(3, 1),
  ),
  from(
    get(1),
    get(3),
    windowUpdate(0, 200_000),
    windowUpdate(1, 100_000),
    settings({ INITIAL_WINDOW_SIZE: 1 }),
    windowUpdate(3, 300_000),
    settings(),
  ),
  byNode,
];

/** Refused by nghttp2 and by us, though not by both in the same way: it resets the stream, and looks at it no more. */
const malformed = frame('HEADERS', ['END_HEADERS'], 1, fieldBlock([['x-a', 'b']]));

/** What the vectors do not have. */
const odd: readonly Buffer[] = [
  from(get(1, ['expect', '200-ok'])),
  from(get(1, ['content-type', 'a/b'], ['content-type', 'c/d'])),
  from(get(1, ['te', 'Trailers'])),
  from(frame('HEADERS', ['END_STREAM', 'END_HEADERS'], 1, fieldBlock(askedFor('GET', '/\xff')))),
  Buffer.concat([prefaceText, ping.subarray(0, 5)]),
  from(post(1), resetStream(1), lastData(1, 'late'), get(3)),
  from(malformed, frame('DATA', ['PADDED'], 1, Buffer.from([9, 0, 0]))),
  from(malformed, frame('DATA', ['PADDED'], 1)),
  from(malformed, windowUpdate(1, 0x7fff_0000), settings({ INITIAL_WINDOW_SIZE: 0x7fff_ffff })),
  from(frame('HEADERS', [], 1), frame('CONTINUATION', [], 1, Buffer.alloc(0), 16_385)),
];

/** The last byte draws what happens beside them where they are answered, so there are some of each. */
const ofEachPlan = (...frames: readonly Buffer[]) =>
  Array.from({ length: 12 }, (_, plan) => from(...frames, frame(99, [], 0, Buffer.of(plan))));

const times = <T>(length: number, one: T): readonly T[] => Array.from({ length }, () => one);

/** What waits for windows, and what is too much. */
const large: readonly Buffer[] = [
  ...ofEachPlan(post(1), ...times(5, data(1, 'x'.repeat(16_000))), windowUpdate(0, 100_000), get(3)),
  ...ofEachPlan(post(1), ...times(40, data(1, 'x')), lastData(1, '')),
  ...ofEachPlan(get(1), ...times(210, ping), get(3)),
  ...ofEachPlan(
    ...Array.from({ length: 30 }, (_, index) => Buffer.concat([post(2 * index + 1), resetStream(2 * index + 1)])),
  ),
];

export const goodAndOddConnections: readonly Buffer[] = [
  ...goodConnections,
  ...odd,
  ...large,
  ...loadHttp2Vectors().flatMap(({ vectors }) => vectors.map(bytesOf)),
];

function bytesOf(vector: Http2Vector): Buffer {
  const { preface, frames } = vector;
  const steps = frames?.flatMap((step) => ('answered' in step ? [] : stepFrames(step))) ?? requestFrames(vector);
  return Buffer.concat([preface === undefined ? hello : Buffer.from(textOf(preface), 'latin1'), ...steps]);
}

function paddedWithPriority(block: Buffer): Buffer {
  return Buffer.concat([Buffer.from('020000000010', 'hex'), block, Buffer.alloc(2)]);
}

function inThree(stream: number, block: Buffer): readonly Buffer[] {
  return [
    frame('HEADERS', ['END_STREAM'], stream, block.subarray(0, 10)),
    frame('CONTINUATION', [], stream, block.subarray(10, 11)),
    frame('CONTINUATION', ['END_HEADERS'], stream, block.subarray(11)),
  ];
}

/** The second request has its last field from the table that the first one has filled. */
function twice(first: number, second: number, field: Field): Buffer {
  const asked = fieldBlock(askedFor('GET', '/t'));
  return Buffer.concat([
    frame('HEADERS', ['END_STREAM', 'END_HEADERS'], first, Buffer.concat([asked, indexedLiteral(field)])),
    frame('HEADERS', ['END_STREAM', 'END_HEADERS'], second, Buffer.concat([asked, indexed(62)])),
  ]);
}
