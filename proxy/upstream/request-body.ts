import type { Socket } from 'node:net';
import { type Denial, deny } from '../denial.ts';
import { chunkEnd, chunkStart, lastChunk } from '../http1/chunked-writer.ts';
import { oneBuffer } from '../http1/message-bytes.ts';
import type { RequestBody } from '../transport.ts';

/** A body that goes to the workload while it arrives. */
export type StreamedBody = { readonly source: RequestBody; readonly maxBytes: number };

export type SendingEvents = {
  /** The last byte was handed to the socket. */
  readonly complete: () => void;
  readonly failed: (denial: Denial) => void;
  /** Bytes went out: the workload has to wait for its client, not we for the workload. */
  readonly progressed: () => void;
};

/**
 * Writes a request whose body still arrives, piece by piece, as fast as the workload takes it; the cap holds for chunked
 * bodies too. None is copied, but for a small body that is here whole: one write with its head costs less. Only now, with a connection to the workload at hand, is a waiting client told to continue. The
 * head leaves with the first piece: of a body that fails before that, the workload hears nothing.
 */
export function sendStreamed(head: string, { source, maxBytes }: StreamedBody, socket: Socket, events: SendingEvents) {
  const chunked = source.declaredBytes === undefined;
  let unsent = head;
  let bytes = 0;
  const write = (data: Buffer | undefined): boolean => {
    const whole = data !== undefined && data.length === source.declaredBytes ? oneBuffer(unsent, data) : undefined;
    if (whole !== undefined) {
      unsent = '';
      return socket.write(whole);
    }
    socket.cork();
    if (unsent !== '') socket.write(unsent, 'latin1');
    unsent = '';
    const flowing = chunked ? writeChunk(socket, data) : data === undefined || socket.write(data);
    socket.uncork();
    return flowing;
  };
  // What has come by now leaves together.
  socket.cork();
  source.consume({
    chunk: (data) => {
      // In the chunked coding a piece of no bytes would be the end.
      if (data.length === 0 || socket.destroyed) return;
      bytes += data.length;
      if (bytes > maxBytes) return events.failed(deny('body-too-large'));
      events.progressed();
      if (!write(data)) source.pause();
    },
    end: () => {
      if (socket.destroyed) return;
      write(undefined);
      events.complete();
    },
    failed: events.failed,
  });
  socket.uncork();
}

/** @param data undefined at the end */
function writeChunk(socket: Socket, data: Buffer | undefined): boolean {
  if (data === undefined) return socket.write(lastChunk, 'latin1');
  socket.write(chunkStart(data), 'latin1');
  socket.write(data);
  return socket.write(chunkEnd, 'latin1');
}
