import { test } from 'tap';
import { bodyDecoder } from '../../../proxy/http1/body-decoder.ts';
import { IncomingBody } from '../../../proxy/http1/incoming-body.ts';

/** How many reads a body takes until it pauses its socket, while nobody consumes it. */
function readsUntilPaused(read: Buffer): number {
  let reads = 0;
  let paused = false;
  const nothing = () => undefined;
  const pause = () => {
    paused = true;
  };
  const flow = { pause, resume: nothing, sendContinue: nothing, wanted: nothing };
  const body = new IncomingBody(
    bodyDecoder({ kind: 'chunked' }),
    { declaredBytes: undefined, expectsContinue: false },
    flow,
  );
  while (!paused) {
    body.feed(read);
    reads += 1;
  }
  return reads;
}

const chunks = (bytes: number, count: number) =>
  Buffer.from(`${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`.repeat(count));

void test('tiny chunks count for what they take, not for the bytes in them', (t) => {
  const few = readsUntilPaused(chunks(16, 100));
  t.ok(few * 100 <= 500, `${few * 100} pieces`);
  const large = readsUntilPaused(chunks(16_000, 1));
  t.equal(large, 5, 'a large one counts for its bytes');
  t.end();
});
