import { test } from 'tap';
import { fieldsOf, loadResponseVectors, type ResponseVector, textOf } from '../../harness/http1-response-vectors.ts';
import { ResponseReader } from '../../../proxy/http1/response-reader.ts';
import { cutThatReadsDifferently } from '../../fuzz/every-cut.ts';
import { readResponse } from '../../fuzz/read-response.ts';
import { goodResponses } from '../../fuzz/response-subject.ts';

/** What would be taken for the answer to the next request. */
const pushed = 'HTTP/1.1 200 PUSHED\r\n\r\n';

const groups = loadResponseVectors();

void test('there are vectors, each with a name of its own and a section of an RFC', (t) => {
  t.equal(groups.length, 5);
  for (const { name, vectors } of groups) {
    t.ok(vectors.length >= 12, `${name} has ${vectors.length}`);
    t.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length, `${name}: no name twice`);
    t.same(
      vectors.filter(({ ref }) => !/^RFC [0-9]{4} [0-9A-Z]+(\.[0-9]+)*(,|$)/.test(ref)),
      [],
      `${name}: each names its section`,
    );
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
      const read = (pieces: readonly Buffer[]) => readResponse(pieces, method);
      t.equal(cutThatReadsDifferently(bytes, read), undefined, `${vector.name}, cut at every place`);
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

void test('so do those that the fuzzer starts from', (t) => {
  for (const text of goodResponses) {
    const read = (pieces: readonly Buffer[]) => readResponse(pieces, 'GET');
    const bytes = Buffer.from(text + pushed, 'latin1');
    t.match(read([bytes]), { head: Object }, text);
    t.equal(cutThatReadsDifferently(bytes, read), undefined, text);
  }
  t.end();
});

void test('an answer that ends too early is never whole, at whichever byte', (t) => {
  for (const { method = 'GET', name, bytes, expect } of groups.flatMap(({ vectors }) => vectors)) {
    if (typeof expect === 'string') continue;
    const reader = new ResponseReader(method);
    // Byte by byte, because it reads the same wherever it is cut; asking about the end changes nothing.
    const cut = [...Buffer.from(textOf(bytes), 'latin1').subarray(0, -1)].map((byte) => {
      const ended = reader.endOfInput();
      const arrived = reader.read(Buffer.of(byte));
      return ended?.code === 'upstream-reset' && 'done' in arrived && !arrived.done;
    });
    t.ok(!cut.includes(false) && reader.endOfInput()?.code === 'upstream-reset', name);
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
