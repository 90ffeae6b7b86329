import { Readable } from 'node:stream';
import { type Denial, deny } from '../denial.ts';
import type { RequestBody } from '../exchange.ts';

/**
 * A streamed request body as undici wants it, with back-pressure both ways and a cap that chunked bodies obey too.
 * @param failed told why the body ended early, before the stream is destroyed
 */
export function requestStream(source: RequestBody, maxBytes: number, failed: (denial: Denial) => void): Readable {
  let started = false;
  let bytes = 0;
  const stop = (denial: Denial) => {
    failed(denial);
    stream.destroy(new Error(denial.code));
  };
  const stream = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      if (started) return source.resume();
      // Only now, with a connection to the workload at hand, is a waiting client told to continue.
      started = true;
      source.consume({
        chunk: (data) => {
          bytes += data.length;
          if (bytes > maxBytes) return stop(deny('body-too-large'));
          if (!stream.destroyed && !stream.push(data)) source.pause();
        },
        end: () => void (stream.destroyed || stream.push(null)),
        failed: stop,
      });
    },
    destroy(error, done) {
      source.pause();
      done(error);
    },
  });
  // The reason went to `failed`. Once undici has given the request up it no longer listens, and an error that nobody
  // hears ends the thread: any client could have done that by closing inside its body.
  stream.on('error', () => undefined);
  return stream;
}
