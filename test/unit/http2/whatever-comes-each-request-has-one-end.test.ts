import { test } from 'tap';
import { sentFrames } from '../../fuzz/http2/client-frames.ts';
import { ClientView } from '../../fuzz/http2/client-view.ts';
import { http2AnswersSubject } from '../../fuzz/http2/answers-subject.ts';
import { fuzz } from '../../fuzz/fuzz.ts';
import { fieldBlock } from '../../harness/http2-blocks.ts';
import { frame, goAway, prefaceText, resetStream, settings } from '../../harness/http2-frames.ts';
import { seeded } from '../../harness/random.ts';

const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 3000);

void test('no mutant ends in a bug, an unfinished request, a frame out of place or a window overrun', async (t) => {
  t.setTimeout(60_000 + budgetMs);
  const end = performance.now() + budgetMs;
  let left = 1000;
  const goesOn = () => (left -= 1) > 0 || performance.now() < end;
  const { tallies, findings } = await fuzz([http2AnswersSubject()], seeded(3), goesOn);
  t.same(
    findings.map(({ what, bytes }) => [what, bytes.toString('latin1')]),
    [],
  );
  t.ok((tallies.get('http2 answers')?.kept ?? 0) > 50, 'ways that connections went');
});

/** What a client that has asked on stream 1 has against these frames, behind the SETTINGS of a server. */
function faultsOf(...frames: readonly Buffer[]): readonly string[] {
  const view = new ClientView();
  const asked = Buffer.concat([prefaceText, settings(), frame('HEADERS', ['END_STREAM', 'END_HEADERS'], 1)]);
  for (const sent of sentFrames(asked).frames) view.sent(sent);
  view.received(Buffer.concat([settings(), frame('SETTINGS', ['ACK'], 0), ...frames]));
  return view.faults;
}

const head = frame('HEADERS', ['END_HEADERS'], 1, fieldBlock([[':status', '200']]));
const data = (bytes: number) => frame('DATA', [], 1, Buffer.alloc(bytes));
const end = frame('DATA', ['END_STREAM'], 1);

void test('what a client would not take is seen', (t) => {
  t.same(faultsOf(head, data(10), end), []);
  t.same(faultsOf(head, ...Array.from({ length: 3 }, () => data(16_384)), data(16_383), end), [], 'a whole window');
  for (const [what, ...frames] of [
    ['DATA before the head', data(1)],
    ['a second head', head, head],
    ['a frame behind END_STREAM', head, end, data(1)],
    ['a frame behind RST_STREAM', head, resetStream(1), resetStream(1)],
    ['a stream that nobody has opened', resetStream(3)],
    ['more than the window', head, ...Array.from({ length: 4 }, () => data(16_384))],
    ['too large a frame', head, data(16_385)],
    ['an acknowledgement of nothing', frame('SETTINGS', ['ACK'], 0)],
    ['a frame behind the GOAWAY of an error', goAway(0, 'PROTOCOL_ERROR'), resetStream(1)],
    ['an answer to what was told to be not served', goAway(0, 'NO_ERROR'), head],
    ['an interrupted block', frame('HEADERS', [], 1), settings()],
  ] as const) {
    t.match(faultsOf(...frames)[0], new RegExp(`^${what}`), what);
  }
  t.end();
});
