import { test } from 'tap';
import { everyCut } from '../../fuzz/every-cut.ts';
import { goodAndOddConnections } from '../../fuzz/http2/corpus.ts';
import { http2Subject } from '../../fuzz/http2/subject.ts';

const { read } = http2Subject();
const reading = async (pieces: readonly Buffer[]) => JSON.stringify(await read(pieces));

/** Of longer ones nothing is new at each place but the time that it takes. */
const shortEnough = goodAndOddConnections.filter(({ length }) => length < 2500);

void test('requests, refusals, every byte that is answered and the end are the same for each cut in two', async (t) => {
  t.setTimeout(120_000);
  t.ok(shortEnough.length > 200, `${shortEnough.length} connections`);
  for (const bytes of shortEnough) {
    const whole = await reading([bytes]);
    for (const pieces of everyCut(bytes)) {
      if ((await reading(pieces)) !== whole)
        t.equal(await reading(pieces), whole, `cut after ${pieces[0]?.length} bytes`);
    }
  }
});

void test('and byte by byte', async (t) => {
  t.setTimeout(60_000);
  for (const bytes of goodAndOddConnections.filter(({ length }) => length < 10_000)) {
    const whole = await reading([bytes]);
    const bytewise = await reading([...bytes].map((byte) => Buffer.of(byte)));
    if (bytewise !== whole) t.equal(bytewise, whole);
  }
  t.pass('all');
});

void test('long ones, cut at many places at once', async (t) => {
  for (const bytes of goodAndOddConnections.filter(({ length }) => length >= 10_000)) {
    const whole = await reading([bytes]);
    for (const size of [1000, 16_384, 16_393, 40_000]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      t.equal(await reading(pieces), whole, `${bytes.length} bytes in pieces of ${size}`);
    }
  }
});
