import type { Socket } from 'node:net';
import { startRawWorkload, type Workload } from './workload.ts';

/** A request as it arrived, one character per byte. */
export type Recorded = {
  /** The request line. */
  readonly line: string;
  /** Header lines, in order. */
  readonly headers: readonly string[];
  readonly body: string;
};

export type Recorder = Workload & {
  /** Whole requests, in the order in which they ended. */
  readonly requests: () => readonly Recorded[];
  /** All bytes that ever arrived, whole requests or not. */
  readonly bytes: () => number;
};

/**
 * A workload that answers `ok` to all and keeps what it was sent. It frames requests by its own few lines, so that it
 * shares no mistake with the proxy; on anything they do not cover it breaks the connection off.
 */
export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  const workload = await startRawWorkload((socket) => {
    let pending = '';
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (let taken = take(pending); taken !== undefined; taken = take(pending)) {
        if (taken === 'malformed') return void socket.destroy();
        pending = taken.rest;
        requests.push(taken.request);
        reply(socket, taken.request.line);
      }
    });
  });
  return {
    ...workload,
    hits: () => requests.length,
    requests: () => requests,
    bytes: () => workload.received().reduce((sum, { length }) => sum + length, 0),
  };
}

function reply(socket: Socket, line: string): void {
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${line.startsWith('HEAD ') ? '' : 'ok'}`);
}

type Taken = { readonly request: Recorded; readonly rest: string } | 'malformed' | undefined;

function take(text: string): Taken {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line = '', ...headers] = text.slice(0, end).split('\r\n');
  const after = text.slice(end + 4);
  const framing = headers.filter((header) => /^(content-length|transfer-encoding):/i.test(header));
  if (framing.length > 1) return 'malformed';
  const [, length] = /^content-length: ([0-9]+)$/i.exec(framing[0] ?? 'content-length: 0') ?? [];
  if (length === undefined) return takeChunks(line, headers, after);
  if (after.length < Number(length)) return undefined;
  return { request: { line, headers, body: after.slice(0, Number(length)) }, rest: after.slice(Number(length)) };
}

function takeChunks(line: string, headers: readonly string[], text: string): Taken {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = Number.parseInt(text.slice(at, end), 16);
    if (Number.isNaN(size)) return 'malformed';
    const data = text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
    if (text.length < at) return undefined;
    if (text.slice(at - 2, at) !== '\r\n') return 'malformed';
    if (size === 0) return { request: { line, headers, body }, rest: text.slice(at) };
    body += data;
  }
}
