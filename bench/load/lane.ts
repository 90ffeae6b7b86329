import { type Connection, openConnection } from './connection.ts';
import type { PreparedRequest } from './load-request.ts';
import type { Target } from './target.ts';

/** A place for one request at a time, on a connection that is opened again when it ends. */
export type Lane = {
  /** Only while the lane is free. */
  readonly send: (request: PreparedRequest) => void;
  readonly isOpen: () => boolean;
  /** Opens it again, if it ended while nothing was asked of it. */
  readonly reopen: () => void;
  readonly close: () => void;
};

/** What a lane tells whoever uses it at the moment. */
export type LaneUser = {
  /** May be given a request: it is open, and nothing is under way on it. */
  readonly free: (lane: Lane) => void;
  /** The request on this lane was answered, in whatever way. */
  readonly answered: (lane: Lane, status: number, head: string) => void;
  /** The request on this lane gets no answer. */
  readonly failed: (lane: Lane, reason: string) => void;
  /** It ended while nothing was under way on it, as kept-alive connections may. */
  readonly dropped: (lane: Lane) => void;
  /** A connection cannot be opened, or ended before its first answer: the target is not there. */
  readonly lost: (reason: string) => void;
};

/** Hears nothing. */
export const nobody: LaneUser = {
  free: () => undefined,
  answered: () => undefined,
  failed: () => undefined,
  dropped: () => undefined,
  lost: () => undefined,
};

export function openLane(target: Target, number: number, user: () => LaneUser): Lane {
  let connection: Connection | undefined;
  let isReady = false;
  let isBusy = false;
  /** On the connection that is open. */
  let answers = 0;
  const open = () => {
    answers = 0;
    connection = openConnection(target, number, {
      ready: () => {
        isReady = true;
        user().free(lane);
      },
      answered: ({ status, head, closes }) => {
        answers += 1;
        isBusy = false;
        if (closes) shut();
        user().answered(lane, status, head);
        if (closes) lane.reopen();
        else user().free(lane);
      },
      broken: (reason) => {
        const [wasBusy, isRefused] = [isBusy, !isReady || (isBusy && answers === 0)];
        shut();
        if (wasBusy) user().failed(lane, reason);
        if (isRefused) user().lost(reason);
        else if (wasBusy) lane.reopen();
        else user().dropped(lane);
      },
    });
  };
  const shut = () => {
    connection?.destroy();
    connection = undefined;
    [isReady, isBusy] = [false, false];
  };
  const lane: Lane = {
    send: (request) => {
      isBusy = true;
      connection?.send(request);
    },
    isOpen: () => isReady,
    reopen: () => {
      if (connection === undefined) open();
    },
    close: shut,
  };
  return lane;
}
