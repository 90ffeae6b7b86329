import type { Denial } from './denial.ts';
import type { Departure } from './departure.ts';
import type { AnswerSink } from './transport.ts';
import type { Answer } from './filters/inspect.ts';
import { answerTooLate, type Routed, timeLeftMs } from './time-left.ts';
import type { ResponseBody } from './upstream/workload-response.ts';

/** How the way back ended, before its last bytes have left: `last` waits until the record is written. */
export type Relayed =
  | { readonly kind: 'complete'; readonly last: Buffer | undefined; readonly bytesOut: number }
  | { readonly kind: 'broken'; readonly denial: Denial };

/** Whom it goes to. */
export type Asker = Routed & { readonly departure: Departure };

/**
 * Streams an answer to the client as fast as it takes it, and stops before the end: the last piece, or the mark that
 * nothing more comes, is held back, so that no client has a complete answer whose record is not safe.
 */
export function relay(answer: Answer, sink: AnswerSink, asker: Asker, nowNs: () => bigint): Relayed | Promise<Relayed> {
  const { body } = answer;
  if (Buffer.isBuffer(body)) return relayWhole(body, sink, asker, nowNs);
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

/**
 * In pieces too, so that the time a client may take for its answer counts for each of them and not for the whole. That is held
 * in memory meanwhile, which all clients share: who takes piece by piece and no more than he has to gets the time of the route.
 */
function relayWhole(body: Buffer, sink: AnswerSink, asker: Asker, nowNs: () => bigint): Relayed | Promise<Relayed> {
  if (body.length <= pieceBytes) return { kind: 'complete', last: body, bytesOut: body.length };
  return new Promise((resolve) => {
    let at = 0;
    let late: NodeJS.Timeout | undefined;
    const finish = (relayed: Relayed) => {
      clearTimeout(late);
      resolve(relayed);
    };
    const broken = (denial: Denial) => finish({ kind: 'broken', denial });
    const more = () => {
      while (body.length - at > pieceBytes) {
        at += pieceBytes;
        if (!sink.write(body.subarray(at - pieceBytes, at))) {
          late ??= setTimeout(broken, timeLeftMs(asker, nowNs), answerTooLate);
          return;
        }
      }
      // A view would keep the whole for as long as the client takes for the rest, and `max_held` has let go of it by then.
      finish({ kind: 'complete', last: Buffer.from(body.subarray(at)), bytesOut: body.length });
    };
    asker.departure.listen(broken);
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
