import type { TLSSocket } from 'node:tls';
import { test } from 'tap';
import { Outlet } from '../../../proxy/http2/outlet.ts';
import { StreamAnswer } from '../../../proxy/http2/stream-answer.ts';
import { aTurn, Wire } from '../../fuzz/http2/wire.ts';
import { FrameReader, frameTypes } from '../../harness/http2-frames.ts';

const nothing = () => undefined;

function answering() {
  const wire = new Wire();
  const outlet = new Outlet(wire as unknown as TLSSocket);
  wire.on('drain', () => outlet.drained());
  const answer = (streamId: number, bytes: number, window = 1_000_000) => {
    const sink = new StreamAnswer(streamId, window, outlet, {
      progressed: nothing,
      answered: nothing,
      aborted: nothing,
      finished: nothing,
      forgotten: nothing,
    });
    sink.head(200, [], { kind: 'chunked' });
    sink.end(Buffer.alloc(bytes));
    return sink;
  };
  /** Stream and size of each DATA that has left. */
  const data = () =>
    new FrameReader()
      .read(wire.written)
      .filter(({ type }) => type === frameTypes.DATA)
      .map(({ stream, payload }) => [stream, payload.length] as const);
  return { wire, outlet, answer, data };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await aTurn();
}

void test('two large answers take turns, frame by frame', async (t) => {
  const { outlet, answer, data, wire } = answering();
  wire.stuck = true;
  answer(1, 200_000);
  answer(3, 200_000);
  wire.stuck = false;
  await settled();
  outlet.widen(1_000_000);
  await settled();
  const streams = data().map(([stream]) => stream);
  t.equal(
    data().reduce((sum, [, bytes]) => sum + bytes, 0),
    400_000,
  );
  // The first one was alone until there was a second.
  const together = streams.slice(streams.indexOf(3), streams.lastIndexOf(1));
  t.ok(together.length >= 4, streams.join());
  t.same(
    together.filter((stream, index) => stream === together[index + 1]),
    [],
    streams.join(),
  );
});

void test('where the window of the connection opens bit by bit, everybody still has a turn', async (t) => {
  const { outlet, answer, data } = answering();
  for (const stream of [1, 3, 5]) answer(stream, 200_000);
  await settled();
  const before = data().length;
  for (let bit = 0; bit < 12; bit += 1) {
    outlet.widen(16_384);
    await settled();
  }
  const counts = [1, 3, 5].map(
    (stream) =>
      data()
        .slice(before)
        .filter(([id]) => id === stream).length,
  );
  t.same(
    counts.every((count) => count >= 3),
    true,
    `turns: ${counts.join()}`,
  );
});

void test('nothing is sent beyond the window of a stream or of the connection', async (t) => {
  const { outlet, answer, data } = answering();
  const small = answer(1, 100, 10);
  answer(3, 100_000);
  await settled();
  const sent = (stream: number) =>
    data()
      .filter(([id]) => id === stream)
      .reduce((sum, [, bytes]) => sum + bytes, 0);
  t.same([sent(1), sent(3)], [10, 65_525]);
  small.widen(50);
  await settled();
  t.same([sent(1), sent(3)], [10, 65_525], 'the stream has room, the connection has none');
  outlet.widen(20);
  await settled();
  t.equal(sent(1) + sent(3), 65_555);
  outlet.widen(1_000_000);
  await settled();
  t.same([sent(1), sent(3)], [60, 100_000]);
  t.equal(small.widen(0x7fff_ffff), true);
  t.equal(small.widen(41), false, 'more than a window can be, with the 40 bytes that have left');
  await settled();
  t.equal(sent(1), 100);
});

void test('a window that settings have made negative is filled up before anything leaves', async (t) => {
  const { answer, data } = answering();
  const sink = answer(1, 100, 10);
  sink.widen(-60);
  sink.widen(59);
  await settled();
  t.same(data(), [[1, 10]], 'one byte is missing from nothing');
  sink.widen(2);
  await settled();
  t.same(data().at(-1), [1, 1]);
});

void test('a client that takes nothing makes us keep little', async (t) => {
  const { wire, outlet, answer, data } = answering();
  wire.stuck = true;
  outlet.widen(1_000_000);
  for (const stream of [1, 3, 5, 7]) answer(stream, 200_000);
  await settled();
  t.equal(outlet.blocked, true);
  t.ok(wire.writableLength < 200_000, `${wire.writableLength} bytes are kept`);
  wire.stuck = false;
  await settled();
  t.equal(
    data().reduce((sum, [, bytes]) => sum + bytes, 0),
    800_000,
    'and goes on when it does',
  );
});

void test('an answer begun while the client took nothing has its head first, whatever lets it go on', async (t) => {
  const { wire, outlet, answer } = answering();
  wire.stuck = true;
  outlet.widen(1_000_000);
  answer(1, 200_000);
  t.equal(outlet.blocked, true);
  const late = answer(3, 10);
  // As when the client widens it in the turn in which it takes the first again.
  wire.prependOnceListener('drain', () => late.widen(1));
  wire.stuck = false;
  await settled();
  const frames = new FrameReader().read(wire.written).filter(({ stream }) => stream === 3);
  t.same(
    frames.map(({ type }) => type),
    [frameTypes.HEADERS, frameTypes.DATA],
  );
});
