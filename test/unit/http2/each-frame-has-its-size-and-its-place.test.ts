import { test } from 'tap';
import { flag, type Frame, type FrameType, frameTypes } from '../../../proxy/http2/frame.ts';
import { FrameJudge } from '../../../proxy/http2/frame-judge.ts';
import { fieldBlock } from '../../harness/http2-blocks.ts';

const limits = () => ({ maxHeadBytes: 1000, maxHeaders: 10 });
const block = fieldBlock([['a', 'b']]);

const frame = (
  type: FrameType | number,
  flags: number,
  streamId: number,
  payload: Buffer = Buffer.alloc(0),
): Frame => ({
  type: typeof type === 'number' ? type : frameTypes[type],
  flags,
  streamId,
  payload,
});

const judged = (...frames: readonly Frame[]) => {
  const judge = new FrameJudge(limits);
  return frames.map((each) => judge.judge(each)).at(-1);
};

/** A number as payload, so that an increment is not 0. */
const bytes = (count: number) => Buffer.alloc(count, 1);

void test('a frame of another size than its type has ends the connection', (t) => {
  const sizes: readonly (readonly [FrameType, number, number, (size: number) => boolean])[] = [
    ['PRIORITY', 0, 1, (size) => size === 5],
    ['RST_STREAM', 0, 1, (size) => size === 4],
    ['SETTINGS', 0, 0, (size) => size % 6 === 0],
    ['SETTINGS', flag.ack, 0, (size) => size === 0],
    ['PING', 0, 0, (size) => size === 8],
    ['PING', flag.ack, 0, (size) => size === 8],
    ['GOAWAY', 0, 0, (size) => size >= 8],
    ['WINDOW_UPDATE', 0, 0, (size) => size === 4],
    ['WINDOW_UPDATE', 0, 1, (size) => size === 4],
  ];
  for (const [type, flags, streamId, isRight] of sizes) {
    const wrong = Array.from({ length: 20 }, (_, size) => size).filter((size) => {
      const received = judged(frame(type, flags, streamId, bytes(size)));
      if (received?.is !== 'violation') return false;
      t.equal(received.code, 'FRAME_SIZE_ERROR', `${type} of ${size} bytes`);
      return true;
    });
    t.same(
      wrong,
      Array.from({ length: 20 }, (_, size) => size).filter((size) => !isRight(size)),
      type,
    );
  }
  t.end();
});

void test('a frame stands on a stream or on none, as its type has it', (t) => {
  const whole: Readonly<Record<FrameType, Buffer>> = {
    DATA: bytes(1),
    HEADERS: block,
    PRIORITY: bytes(5),
    RST_STREAM: bytes(4),
    SETTINGS: Buffer.alloc(0),
    PUSH_PROMISE: bytes(5),
    PING: bytes(8),
    GOAWAY: bytes(8),
    WINDOW_UPDATE: bytes(4),
    CONTINUATION: block,
  };
  const taken = (streamId: number) =>
    Object.entries(whole)
      .filter(([type, payload]) => {
        const received = judged(frame(type as FrameType, flag.endHeaders, streamId, payload));
        if (received?.is === 'violation') t.equal(received.code, 'PROTOCOL_ERROR', `${type} on stream ${streamId}`);
        return received?.is !== 'violation';
      })
      .map(([type]) => type);
  t.same(taken(0), ['SETTINGS', 'PING', 'GOAWAY', 'WINDOW_UPDATE']);
  t.same(taken(1), ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'WINDOW_UPDATE']);
  t.same(judged(frame(10, 255, 0, bytes(3))), { is: 'nothing', costs: true }, 'what nobody has defined yet is ignored');
  t.end();
});

void test('padding is taken off, counts for the window, and never reaches the whole payload', (t) => {
  for (let size = 1; size < 8; size += 1) {
    for (let padding = 0; padding < 10; padding += 1) {
      const payload = Buffer.concat([Buffer.of(padding), bytes(size - 1)]);
      const received = judged(frame('DATA', flag.padded, 1, payload));
      const name = `${padding} of ${size} bytes`;
      if (padding >= size) t.match(received, { is: 'violation', code: 'PROTOCOL_ERROR' }, name);
      else t.match(received, { is: 'data', data: bytes(size - 1 - padding), flowBytes: size, endStream: false }, name);
    }
  }
  t.match(judged(frame('DATA', flag.padded, 1)), { code: 'FRAME_SIZE_ERROR' }, 'not even a length');
  t.match(judged(frame('HEADERS', flag.padded | flag.endHeaders, 1)), { code: 'FRAME_SIZE_ERROR' });
  t.end();
});

void test('a block stands between a priority and the padding, whichever there are', (t) => {
  const fields = { is: 'fields', streamId: 1, endStream: true, block: { kind: 'fields', fields: ['a', 'b'] } };
  const flags = flag.endStream | flag.endHeaders;
  t.match(judged(frame('HEADERS', flags, 1, block)), fields);
  t.match(judged(frame('HEADERS', flags | flag.priority, 1, Buffer.concat([bytes(5), block]))), fields);
  t.match(judged(frame('HEADERS', flags | flag.padded, 1, Buffer.concat([Buffer.of(3), block, bytes(3)]))), fields);
  const both = Buffer.concat([Buffer.of(3), bytes(5), block, bytes(3)]);
  t.match(judged(frame('HEADERS', flags | flag.priority | flag.padded, 1, both)), fields);
  for (let size = 0; size < 5; size += 1) {
    t.match(judged(frame('HEADERS', flags | flag.priority, 1, bytes(size))), { code: 'FRAME_SIZE_ERROR' });
  }
  t.end();
});

void test('nothing comes between the parts of a block', (t) => {
  const open = frame('HEADERS', flag.endStream, 1, block.subarray(0, 1));
  for (const type of [...Object.values(frameTypes), 10]) {
    const received = judged(open, frame(type, flag.endHeaders, 1, block.subarray(1)));
    if (type === frameTypes.CONTINUATION) t.match(received, { is: 'fields', endStream: true });
    else t.match(received, { is: 'violation', code: 'PROTOCOL_ERROR' }, `type ${type}`);
  }
  t.match(judged(open, frame('CONTINUATION', flag.endHeaders, 3, block.subarray(1))), { code: 'PROTOCOL_ERROR' });
  t.end();
});

void test('a block has 16 parts behind the first and twice the bytes of a head, and no more', (t) => {
  const open = frame('HEADERS', 0, 1, block);
  const part = frame('CONTINUATION', 0, 1);
  const last = frame('CONTINUATION', flag.endHeaders, 1);
  const parts = (count: number) => Array.from({ length: count }, () => part);
  t.match(judged(open, ...parts(15), last), { is: 'fields' });
  t.match(judged(open, ...parts(16)), { code: 'ENHANCE_YOUR_CALM' });
  t.match(judged(frame('HEADERS', 0, 1, bytes(1000)), frame('CONTINUATION', 0, 1, bytes(1000))), { is: 'nothing' });
  t.match(judged(frame('HEADERS', 0, 1, bytes(1000)), frame('CONTINUATION', 0, 1, bytes(1001))), {
    code: 'ENHANCE_YOUR_CALM',
  });
  t.end();
});

void test('what was sent once is acknowledged once', (t) => {
  const acknowledgement = frame('SETTINGS', flag.ack, 0);
  t.same(judged(acknowledgement), { is: 'nothing', costs: false });
  t.match(judged(acknowledgement, acknowledgement), { is: 'violation', code: 'PROTOCOL_ERROR' });
  t.end();
});
