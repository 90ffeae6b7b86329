import type { Socket } from 'node:net';
import { type Answer, AnswerError, createAnswerReader } from './answer-reader.ts';
import type { PreparedRequest } from './load-request.ts';
import { connectTo, type Target } from './target.ts';

export type Connection = {
  /** Sends one request; the next only after its answer. */
  readonly send: (request: PreparedRequest) => void;
  /** Ends it without an event. */
  readonly destroy: () => void;
};

export type ConnectionEvents = {
  readonly ready: () => void;
  readonly answered: (answer: Answer) => void;
  /** Once, when it is of no use any more, with the reason. */
  readonly broken: (reason: string) => void;
};

/**
 * All connections read into this one: what is read is looked at before the next read, and ten thousand connections with a
 * buffer each would hold hundreds of megabytes.
 */
const arrivals = Buffer.alloc(64 * 1024);

/** One client connection of a load, with nothing of an HTTP client but what load needs. */
export function openConnection(target: Target, number: number, events: ConnectionEvents): Connection {
  let isHead = false;
  let isOver = false;
  let isWaiting = false;
  let reason = '';
  const reader = createAnswerReader(
    () => isHead,
    (answer) => {
      if (!isWaiting) throw new AnswerError('an answer came that nobody asked for');
      isWaiting = false;
      events.answered(answer);
    },
  );
  const read = (count: number) => {
    try {
      if (!isOver) reader.read(arrivals.subarray(0, count));
    } catch (cause) {
      if (!(cause instanceof AnswerError)) throw cause;
      reason = cause.message;
      socket.destroy();
    }
    return !isOver;
  };
  const socket: Socket = connectTo(target, number, { buffer: arrivals, callback: read }, events.ready);
  socket.on('error', (error) => (reason ||= reasonOf(error)));
  socket.on('close', () => {
    if (isOver) return;
    isOver = true;
    const cut = reader.isInside() ? 'the connection ended inside an answer' : 'the connection was closed';
    events.broken(reason || cut);
  });
  return {
    send: (request) => {
      isHead = request.isHead;
      isWaiting = true;
      if (request.body === undefined) {
        socket.write(request.bytes);
        return;
      }
      socket.cork();
      socket.write(request.bytes);
      socket.write(request.body);
      socket.uncork();
    },
    destroy: () => {
      isOver = true;
      socket.destroy();
    },
  };
}

/** Short and the same for the same cause, so that failures can be counted by it. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
