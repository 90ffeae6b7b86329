import { test } from 'tap';
import { fieldsOf, loadResponseVectors, type ResponseVector, textOf } from '../../harness/http1-response-vectors.ts';
import { readResponse, type ResponseReading } from '../../fuzz/read-response.ts';

/** What would be taken for the answer to the next request. */
const pushed = 'HTTP/1.1 200 PUSHED\r\n\r\n';

const groups = loadResponseVectors();

void test('there are vectors, each with a name of its own', (t) => {
  t.equal(groups.length, 5);
  for (const { name, vectors } of groups) {
    t.ok(vectors.length >= 12, `${name} has ${vectors.length}`);
    t.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length, `${name}: no name twice`);
  }
  t.end();
});

for (const { name, about, vectors } of groups) {
  void test(`${name}: ${about}`, (t) => {
    for (const vector of vectors) {
      const { method = 'GET', ref } = vector;
      const bytes = Buffer.from(textOf(vector.bytes) + pushed, 'latin1');
      const whole = readResponse([bytes], method);
      t.match(whole, expected(vector), `${ref}: ${vector.name}`);
      t.equal(
        splitThatReadsDifferently(bytes, method, whole),
        undefined,
        `${vector.name}, in two pieces at every place`,
      );
      t.same(
        readResponse(
          [...bytes].map((byte) => Buffer.of(byte)),
          method,
        ),
        whole,
        `${vector.name}, byte by byte`,
      );
    }
    t.end();
  });
}

void test('an answer that ends too early is never whole', (t) => {
  for (const { method = 'GET', name, bytes, expect } of groups.flatMap(({ vectors }) => vectors)) {
    if (typeof expect === 'string') continue;
    const whole = Buffer.from(textOf(bytes), 'latin1');
    const lengths = Array.from({ length: Math.ceil(whole.length / stepIn(whole)) }, (_, at) => at * stepIn(whole));
    const cut = lengths.map((length) => readResponse([whole.subarray(0, length)], method));
    t.ok(
      cut.every((reading) => 'refused' in reading && reading.refused === 'upstream-reset'),
      name,
    );
  }
  t.end();
});

function expected({ bytes, expect }: ResponseVector): object {
  if (expect === 'malformed') return { refused: 'upstream-malformed' };
  if (expect === 'until-close') {
    const body = `${textOf(bytes).split('\r\n\r\n')[1]}${pushed}`;
    return { head: { framing: { kind: 'close' } }, body, keepsConnection: false };
  }
  const { status, body, last = false } = expect;
  const head = { status, headers: fieldsOf(expect) };
  return { head, body: textOf(body), left: pushed, keepsConnection: !last };
}

function splitThatReadsDifferently(bytes: Buffer, method: string, whole: ResponseReading): number | undefined {
  const same = JSON.stringify(whole);
  for (let at = 1; at < bytes.length; at += stepIn(bytes)) {
    if (JSON.stringify(readResponse([bytes.subarray(0, at), bytes.subarray(at)], method)) !== same) return at;
  }
  return undefined;
}

/** A message that repeats one line thousands of times has no new split point in each of them. */
function stepIn({ length }: Buffer): number {
  return length > 1500 ? 97 : 1;
}
