import type { Denial } from './denial.ts';
import type { Departure } from './departure.ts';
import type { AnswerSink } from './transport.ts';
import type { Answer } from './filters/inspect.ts';
import type { ResponseBody } from './upstream/workload-response.ts';

/** How the way back ended, before its last bytes have left: `last` waits until the record is written. */
export type Relayed =
  | { readonly kind: 'complete'; readonly last: Buffer | undefined; readonly bytesOut: number }
  | { readonly kind: 'broken'; readonly denial: Denial };

/**
 * Streams an answer to the client as fast as it takes it, and stops before the end: the last piece, or the mark that
 * nothing more comes, is held back, so that no client has a complete answer whose record is not safe.
 */
export function relay(answer: Answer, sink: AnswerSink, departure: Departure): Relayed | Promise<Relayed> {
  const { body } = answer;
  if (Buffer.isBuffer(body)) return relayWhole(body, sink, departure);
  return new Promise((resolve) => {
    sink.onDrain(() => body.resume());
    const hold = holdBack(answer, sink, body);
    body.consume({
      chunk: hold.push,
      lent: hold.push,
      end: () => {
        const last = hold.take();
        resolve({ kind: 'complete', last, bytesOut: sink.bytesOut + (last?.length ?? 0) });
      },
      failed: (denial) => {
        hold.take();
        resolve({ kind: 'broken', denial });
      },
    });
  });
}

const pieceBytes = 64 * 1024;

/** In pieces too, so that the time a client may take for its answer counts for each of them and not for the whole. */
function relayWhole(body: Buffer, sink: AnswerSink, departure: Departure): Relayed | Promise<Relayed> {
  if (body.length <= pieceBytes) return { kind: 'complete', last: body, bytesOut: body.length };
  return new Promise((resolve) => {
    let at = 0;
    const more = () => {
      while (body.length - at > pieceBytes) {
        at += pieceBytes;
        if (!sink.write(body.subarray(at - pieceBytes, at))) return;
      }
      resolve({ kind: 'complete', last: body.subarray(at), bytesOut: body.length });
    };
    departure.listen((denial) => resolve({ kind: 'broken', denial }));
    sink.onDrain(more);
    more();
  });
}

/**
 * Keeps the newest piece. With a declared length the piece that completes it stays; otherwise a piece leaves when the
 * next one comes or the turn of the event loop ends, so that a stream of events is not late by one.
 */
function holdBack({ framing }: Answer, sink: AnswerSink, body: ResponseBody) {
  let held: Buffer | undefined;
  let done: (() => void) | undefined;
  let received = 0;
  let scheduled: NodeJS.Immediate | undefined;
  const release = () => {
    // Left pending, it would let the piece after this one go, which may be the last.
    clearImmediate(scheduled);
    scheduled = undefined;
    if (held === undefined) return;
    const piece = held;
    held = undefined;
    if (!sink.write(piece, done)) body.pause();
  };
  return {
    push: (piece: Buffer, sent?: () => void) => {
      release();
      held = piece;
      done = sent;
      received += piece.length;
      const completes = framing.kind === 'length' && received >= framing.bytes;
      if (!completes) scheduled ??= setImmediate(release);
    },
    take: () => {
      clearImmediate(scheduled);
      const last = held;
      held = undefined;
      return last;
    },
  };
}
