import { test } from 'tap';
import { bytesOf, loadVectors, type Vector } from '../../harness/http1-vectors.ts';
import { good } from '../../harness/mutations.ts';
import { cutThatReadsDifferently, everyCut } from '../../fuzz/every-cut.ts';
import { readRequest } from '../../fuzz/read-request.ts';

/** Codes that the readers give; other refusals come from the filters behind them. */
const readerCodes: ReadonlySet<string> = new Set([
  'malformed-request-line',
  'unsupported-version',
  'malformed-header',
  'head-too-large',
  'too-many-headers',
  'ambiguous-framing',
  'malformed-chunk',
  'unsupported-expectation',
]);

const next = Buffer.from('GET /next HTTP/1.1\r\n\r\n');

const groups = loadVectors();

void test('there are vectors, each with a name of its own and a section of an RFC', (t) => {
  t.equal(groups.length, 11);
  t.ok(groups.flatMap(({ vectors }) => vectors).length >= 250);
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
      const bytes = Buffer.concat([bytesOf(vector), next]);
      const whole = readRequest([bytes]);
      t.match(whole, expected(vector), `${vector.ref}: ${vector.name}`);
      t.equal(cutThatReadsDifferently(bytes, readRequest), undefined, `${vector.name}, cut at every place`);
      t.same(readRequest([...bytes].map((byte) => Buffer.of(byte))), whole, `${vector.name}, byte by byte`);
    }
    t.end();
  });
}

void test('so do those that the fuzzer starts from', (t) => {
  for (const text of good) {
    const bytes = Buffer.concat([Buffer.from(text, 'latin1'), next]);
    t.match(readRequest([bytes]), { head: Object, left: next.toString() }, text);
    t.equal(cutThatReadsDifferently(bytes, readRequest), undefined, text);
  }
  t.end();
});

void test('no place of a message is left out, however long it is', (t) => {
  for (const length of [2, 1500, 1501, 20_000]) {
    const message = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    const cut = new Set<number>();
    for (const pieces of everyCut(message)) {
      if (!Buffer.concat(pieces).equals(message)) t.fail('not the message');
      let at = 0;
      for (const piece of pieces) cut.add((at += piece.length));
    }
    cut.delete(length);
    t.same([cut.size, Math.min(...cut), Math.max(...cut)], [length - 1, 1, length - 1], `${length} bytes`);
  }
  t.end();
});

void test('a reader that goes wrong at one single cut is found', (t) => {
  const message = Buffer.alloc(20_000, 'a');
  for (const place of [1, 1500, 9999, 19_999]) {
    const read = (pieces: readonly Buffer[]) => {
      let before = 0;
      return pieces.map(({ length }) => (before += length)).includes(place) ? 'another' : 'one';
    };
    t.equal(cutThatReadsDifferently(message, read), place % 509 || 509, `after ${place} bytes`);
  }
  t.end();
});

function expected({ expect }: Vector): object {
  if ('code' in expect) return readerCodes.has(expect.code) ? { refused: expect.code } : { head: Object };
  const [method, target] = expect.forwarded.line.split(' ');
  return { head: { method, target }, body: expect.forwarded.body, left: next.toString() };
}
