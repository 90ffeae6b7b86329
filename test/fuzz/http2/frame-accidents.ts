import { type Field, fieldBlock } from '../../harness/http2-blocks.ts';
import { flagBits, frame, frameTypes, uint32 } from '../../harness/http2-frames.ts';
import { below, oneOf, type Random } from '../../harness/random.ts';
import { type Accident, cross, drop, exchangeByte, insert } from '../mutate.ts';
import { prefaceBytes, type SentFrame, sentFrames } from './client-frames.ts';
import { askedFor } from './corpus.ts';

type Change = (frames: readonly SentFrame[], random: Random) => readonly Buffer[];

/** An accident of the frames, which leaves alone how they are cut: only what they say becomes another thing. */
const ofFrames =
  (change: Change): Accident =>
  (bytes, random) => {
    const { frames, rest } = sentFrames(bytes);
    if (frames.length === 0) return bytes;
    return Buffer.concat([bytes.subarray(0, prefaceBytes), ...change(frames, random), rest]);
  };

/** One frame becomes others, or none. */
const ofOne = (change: (one: SentFrame, random: Random) => readonly Buffer[]): Accident =>
  ofFrames((frames, random) => {
    const at = below(random, frames.length);
    return frames.flatMap((each, index) => (index === at ? change(each, random) : [each.bytes]));
  });

const changeType = ofOne(({ flags, stream, payload }, random) => [frame(below(random, 11), flags, stream, payload)]);

const changeFlags = ofOne(({ type, flags, stream, payload }, random) => [
  frame(type, flags ^ oneOf(random, Object.values(flagBits)), stream, payload),
]);

const streams = [0, 1, 2, 3, 4, 5, 7, 9, 0x7fff_ffff, 0x8000_0001];
const changeStream = ofOne(({ type, flags, payload }, random) => [frame(type, flags, oneOf(random, streams), payload)]);

/** The length that is said is not that of the payload, and what is behind is read as something else. */
const lieOfLength = ofOne(({ type, flags, stream, payload }, random) => [
  frame(type, flags, stream, payload, Math.max(0, payload.length + oneOf(random, [-9, -1, 1, 4, 9, 16_384]))),
]);

/** In place of a frame one that is longer or shorter, and says so. */
const changeSize = ofOne(({ type, flags, stream, payload }, random) => [
  frame(
    type,
    flags,
    stream,
    random() < 0.5
      ? payload.subarray(0, below(random, payload.length + 1))
      : Buffer.concat([payload, Buffer.alloc(1 + below(random, 6))]),
  ),
]);

/** DATA as two of them; a block as HEADERS and CONTINUATION. */
const split = ofOne(({ type, flags, stream, payload }, random) => {
  const at = below(random, payload.length + 1);
  const isBlock = type === frameTypes.HEADERS || type === frameTypes.CONTINUATION;
  const kept = isBlock ? flags & ~flagBits.END_HEADERS : flags & ~flagBits.END_STREAM;
  const behind = isBlock ? flags & flagBits.END_HEADERS : flags & flagBits.END_STREAM;
  return [
    frame(type, kept, stream, payload.subarray(0, at)),
    frame(isBlock ? 'CONTINUATION' : type, behind, stream, payload.subarray(at)),
  ];
});

const repeat = ofFrames((frames, random) => {
  const bytes = frames.map((each) => each.bytes);
  return bytes.toSpliced(below(random, bytes.length + 1), 0, oneOf(random, bytes));
});

const repeatElsewhere = ofFrames((frames, random) => {
  const { type, flags, payload } = oneOf(random, frames);
  const highest = Math.max(...frames.map(({ stream }) => stream % 1000));
  const again = frame(type, flags, highest + 2 - ((highest + 1) % 2), payload);
  return [...frames.map(({ bytes }) => bytes), again];
});

const leaveOut = ofOne(() => []);

const swap = ofFrames((frames, random) => {
  const bytes = frames.map((each) => each.bytes);
  const taken = bytes.splice(below(random, bytes.length), 1);
  return bytes.toSpliced(below(random, bytes.length + 1), 0, ...taken);
});

const numbers = [0, 1, 8, 100, 16_383, 16_384, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

const insertControl: Accident = ofFrames((frames, random) => {
  const stream = oneOf(random, [0, 0, ...frames.map((each) => each.stream)]);
  const number = () => uint32(oneOf(random, numbers));
  const setting = () => Buffer.concat([Buffer.from([0, below(random, 10)]), number()]);
  const control = oneOf(random, [
    () => frame('WINDOW_UPDATE', 0, stream, number()),
    () => frame('RST_STREAM', 0, stream, number()),
    () => frame('SETTINGS', 0, 0, setting()),
    () => frame('SETTINGS', 1, 0),
    () => frame('PING', below(random, 2), 0, Buffer.alloc(8)),
    () => frame('PRIORITY', 0, stream, Buffer.concat([number(), Buffer.of(1)])),
    () => frame('GOAWAY', 0, 0, Buffer.concat([number(), uint32(below(random, 14))])),
    () => frame('DATA', below(random, 2), stream, Buffer.alloc(below(random, 3))),
  ])();
  return frames.map(({ bytes }) => bytes).toSpliced(below(random, frames.length + 1), 0, control);
});

const names =
  `:method :path :scheme :authority :status :protocol :x host cookie content-length transfer-encoding te connection
upgrade keep-alive proxy-connection expect trailer content-type x-a X-A x_a accept`.split(/\s/);
const values = [
  '',
  'a',
  'GET',
  'POST',
  'CONNECT',
  'HEAD',
  '/',
  '/a',
  '*',
  'https',
  'http',
  'localhost',
  'localhost:443',
  'a.example',
  '0',
  '5',
  '05',
  '5, 5',
  '99999999999999999999',
  'chunked',
  'trailers',
  'Trailers',
  'close',
  '100-continue',
  ' a',
  'a\t',
  'a b',
  'a\r\nb: c',
  'a\0b',
  '\x80',
  '\x7f',
  '/a/../b',
  '/%2e',
  '/a#b',
  '//',
  'a=b; c=d',
];

function oddHead(random: Random): readonly Field[] {
  const usual = [...askedFor(oneOf(random, ['GET', 'POST', 'OPTIONS']), '/a')];
  for (let times = 1 + below(random, 3); times > 0; times -= 1) {
    const field: Field = [oneOf(random, names), oneOf(random, values)];
    const at = below(random, usual.length + 1);
    const replaced = random() < 0.3 ? 1 : 0;
    usual.splice(random() < 0.5 ? usual.length : at, replaced, field);
  }
  return usual;
}

/** A head of odd fields, or trailers, in place of one that is there; else the table would have to be followed. */
const changeFields: Accident = (bytes, random) => {
  const { frames } = sentFrames(bytes);
  const heads = frames.filter(({ type }) => type === frameTypes.HEADERS);
  if (heads.length === 0) return bytes;
  const head = oneOf(random, heads);
  const fields = random() < 0.8 ? oddHead(random) : [[oneOf(random, names), oneOf(random, values)] as const];
  const flags = (head.flags | flagBits.END_HEADERS) & ~flagBits.PADDED & ~flagBits.PRIORITY;
  const changed = frame('HEADERS', flags, head.stream, fieldBlock(fields));
  const rebuilt = frames.map((each) => (each === head ? changed : each.bytes));
  return Buffer.concat([bytes.subarray(0, prefaceBytes), ...rebuilt]);
};

export const accidentsOfFrames: readonly Accident[] = [
  changeType,
  changeFlags,
  changeFlags,
  changeStream,
  changeStream,
  lieOfLength,
  changeSize,
  split,
  split,
  repeat,
  repeatElsewhere,
  leaveOut,
  swap,
  insertControl,
  insertControl,
  changeFields,
  changeFields,
  changeFields,
  insert,
  drop,
  exchangeByte,
  exchangeByte,
  cross,
];
