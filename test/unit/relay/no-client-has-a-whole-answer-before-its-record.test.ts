import fc from 'fast-check';
import { test } from 'tap';
import { deny } from '../../../proxy/denial.ts';
import { Departure } from '../../../proxy/departure.ts';
import type { AnswerFraming, AnswerSink } from '../../../proxy/transport.ts';
import { relay } from '../../../proxy/relay.ts';
import type { ResponseBody, ResponseConsumer } from '../../../proxy/upstream/workload-response.ts';

const askerOf = (departure: Departure, timeoutMs = 60_000) => ({
  departure,
  beganNs: 0n,
  route: { config: { timeoutMs } },
});
const never = askerOf(new Departure());
const nowNs = () => 0n;

/** A client that takes `room` bytes before it is behind, and a body that the test sends. */
function stage(room = Number.POSITIVE_INFINITY) {
  const written: Buffer[] = [];
  let drain = () => undefined as void;
  let behind = false;
  let paused = false;
  let consumer: ResponseConsumer | undefined;
  const bytes = () => written.reduce((sum, { length }) => sum + length, 0);
  const sink: AnswerSink = {
    get started() {
      return written.length > 0;
    },
    get bytesOut() {
      return bytes();
    },
    head: () => undefined,
    write: (chunk) => {
      written.push(chunk);
      behind = bytes() >= room;
      return !behind;
    },
    end: () => undefined,
    abort: () => undefined,
    onDrain: (listener) => {
      drain = listener;
    },
  };
  const body: ResponseBody = {
    consume: (given) => {
      consumer = given;
    },
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    abort: () => undefined,
  };
  return {
    sink,
    body,
    bytes,
    text: () => Buffer.concat(written).toString('latin1'),
    send: (text: string) => consumer?.chunk(Buffer.from(text, 'latin1')),
    end: () => consumer?.end(),
    fail: () => consumer?.failed(deny('upstream-reset')),
    isPaused: () => paused,
    isBehind: () => behind,
    drain: (more: number) => {
      room += more;
      drain();
    },
  };
}

const answerOf = (body: Buffer | ResponseBody, framing: AnswerFraming) => ({ status: 200, headers: [], framing, body });
const turn = () => new Promise((resolve) => setImmediate(resolve));

void test('whatever the pieces, all but the last of them leaves, and nothing is lost', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }), fc.boolean()), {
        maxLength: 8,
      }),
      fc.boolean(),
      async (pieces, declared) => {
        const { sink, body, text, send, end, bytes } = stage();
        const whole = pieces.map(([piece]) => piece).join('');
        const framing: AnswerFraming = declared ? { kind: 'length', bytes: whole.length } : { kind: 'chunked' };
        const relayed = relay(answerOf(body, framing), sink, never, nowNs);
        for (const [piece, pause] of pieces) {
          send(piece);
          if (pause) await turn();
          // The byte that would complete a declared length stays here until the record is written.
          if (declared && whole.length > 0 && bytes() >= whole.length) return false;
        }
        end();
        const outcome = await relayed;
        if (outcome.kind !== 'complete') return false;
        return text() + (outcome.last?.toString('latin1') ?? '') === whole && outcome.bytesOut === whole.length;
      },
    ),
  );
  t.pass();
});

void test('an event of a stream is not late by one', async (t) => {
  const { sink, body, send, text } = stage();
  void relay(answerOf(body, { kind: 'chunked' }), sink, never, nowNs);
  send('data: 1\n\n');
  await turn();
  t.equal(text(), 'data: 1\n\n');
});

void test('a body is read no faster than the client takes it', async (t) => {
  const { sink, body, send, isPaused, drain } = stage(4);
  void relay(answerOf(body, { kind: 'chunked' }), sink, never, nowNs);
  send('12345');
  await turn();
  t.equal(isPaused(), true);
  drain(100);
  t.equal(isPaused(), false);
});

void test('a body that breaks off gives nothing more to the client', async (t) => {
  const { sink, body, send, fail, text } = stage();
  const relayed = relay(answerOf(body, { kind: 'length', bytes: 10 }), sink, never, nowNs);
  send('12345');
  fail();
  t.match(await relayed, { kind: 'broken', denial: { code: 'upstream-reset' } });
  await turn();
  t.equal(text(), '', 'not even what was held back');
});

void test('a large answer that is here already goes in pieces too', async (t) => {
  const large = Buffer.alloc(300_000, 'x');
  const { sink, bytes, drain, isBehind } = stage(100_000);
  const relayed = relay(answerOf(large, { kind: 'length', bytes: large.length }), sink, never, nowNs);
  t.equal(isBehind(), true);
  t.equal(bytes() < 200_000, true, 'it waits for its client');
  drain(1_000_000);
  const outcome = await relayed;
  t.equal(outcome.kind === 'complete' && bytes() + (outcome.last?.length ?? 0), large.length);
});

void test('a large answer whose client has gone comes to an end', async (t) => {
  const gone = new Departure();
  const { sink } = stage(1);
  const relayed = relay(
    answerOf(Buffer.alloc(300_000), { kind: 'length', bytes: 300_000 }),
    sink,
    askerOf(gone),
    nowNs,
  );
  gone.happened();
  t.match(await relayed, { kind: 'broken', denial: { code: 'client-aborted' } });
});

void test('a large answer that is taken too slowly has the time of its route, and is not held for longer', async (t) => {
  const { sink } = stage(1);
  const answer = answerOf(Buffer.alloc(300_000), { kind: 'length', bytes: 300_000 });
  const relayed = relay(answer, sink, askerOf(new Departure(), 10), () => 9_000_000n);
  t.match(await relayed, { kind: 'broken', denial: { code: 'upstream-timeout' } });
});
