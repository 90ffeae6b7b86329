import type { Answer } from './answer-reader.ts';
import { type Connection, openConnection } from './connection.ts';
import { type LoadRequest, type PreparedRequest, prepareRequest } from './load-request.ts';
import type { Credential, Target } from './target.ts';

export type LoadOptions = {
  readonly port: number;
  readonly credential: Credential;
  /** Kept alive, each with at most one request on it. */
  readonly connections: number;
  /** Asked before each request, with the number of the request and the time since the start. */
  readonly goesOn: (started: number, elapsedMs: number) => boolean;
  /** All connections together. Without it the next request follows each answer at once. */
  readonly ratePerSecond?: number;
  readonly request?: (number: number) => LoadRequest;
};

/** An answer that came whole. */
export type LoadAnswer = {
  readonly status: number;
  readonly id: string;
  /** On the clock of `performance.now()`. */
  readonly sentMs: number;
  readonly latencyMs: number;
};

export type LoadResult = {
  readonly answers: readonly LoadAnswer[];
  /** Why each request that got no whole answer got none. */
  readonly failures: readonly string[];
  readonly elapsedMs: number;
};

const justGet = (): LoadRequest => ({ method: 'GET', path: '/load' });

/**
 * Load in this process that keeps every answer, for what has to be held against the audit trail one by one. Until `goesOn` says no;
 * nothing is retried, so that no failure is hidden.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { port, credential, connections, goesOn, ratePerSecond, request: next = justGet } = options;
  const target: Target = { kind: 'tls', host: '127.0.0.1', port, credentials: [credential] };
  const answers: LoadAnswer[] = [];
  const failures: string[] = [];
  const beganMs = performance.now();
  const elapsedMs = () => performance.now() - beganMs;
  let started = 0;
  const lane = async (ask: Client) => {
    while (goesOn(started, elapsedMs())) {
      const number = started++;
      if (ratePerSecond !== undefined) await pause((number * 1000) / ratePerSecond - elapsedMs());
      const sentMs = performance.now();
      const outcome = await ask.send(prepareRequest(next(number)));
      if (typeof outcome === 'string') failures.push(outcome);
      else answers.push({ ...outcome, sentMs, latencyMs: performance.now() - sentMs });
    }
    ask.close();
  };
  await Promise.all(Array.from({ length: connections }, () => lane(createClient(target))));
  return { answers, failures, elapsedMs: elapsedMs() };
}

type Client = {
  /** Resolves to the answer, or to the reason why there is none. */
  readonly send: (request: PreparedRequest) => Promise<{ readonly status: number; readonly id: string } | string>;
  readonly close: () => void;
};

/** Opens its connection when there is something to send and none that can be used. */
function createClient(target: Target): Client {
  let connection: Connection | undefined;
  let waiting: PromiseWithResolvers<{ status: number; id: string } | string> | undefined;
  const settle = (outcome: { status: number; id: string } | string) => {
    waiting?.resolve(outcome);
    waiting = undefined;
  };
  const answered = ({ status, head, closes }: Answer) => {
    if (closes) close();
    settle({ status, id: /\r\nx-portcullis-id: *(\S+)/i.exec(head)?.[1] ?? '' });
  };
  const close = () => {
    connection?.destroy();
    connection = undefined;
  };
  return {
    send: (request) => {
      waiting = Promise.withResolvers();
      const { promise } = waiting;
      if (connection !== undefined) connection.send(request);
      else {
        const opened = openConnection(target, 0, {
          ready: () => opened.send(request),
          answered,
          broken: (reason) => {
            connection = undefined;
            settle(reason);
          },
        });
        connection = opened;
      }
      return promise;
    },
    close,
  };
}

function pause(ms: number): Promise<void> | undefined {
  return ms <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
}
