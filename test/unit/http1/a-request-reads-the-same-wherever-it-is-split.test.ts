import { test } from 'tap';
import { bytesOf, loadVectors, type Vector } from '../../harness/http1-vectors.ts';
import { type Reading, readRequest } from '../../fuzz/read-request.ts';

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

void test('there are vectors, each with a name of its own', (t) => {
  t.equal(groups.length, 11);
  for (const { name, vectors } of groups) {
    t.ok(vectors.length >= 12, `${name} has ${vectors.length}`);
    t.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length, `${name}: no name twice`);
  }
  t.end();
});

for (const { name, about, vectors } of groups) {
  void test(`${name}: ${about}`, (t) => {
    for (const vector of vectors) {
      const bytes = Buffer.concat([bytesOf(vector), next]);
      const whole = readRequest([bytes]);
      t.match(whole, expected(vector), `${vector.ref}: ${vector.name}`);
      t.equal(splitThatReadsDifferently(bytes, whole), undefined, `${vector.name}, in two pieces at every place`);
      t.same(readRequest([...bytes].map((byte) => Buffer.of(byte))), whole, `${vector.name}, byte by byte`);
    }
    t.end();
  });
}

function expected({ expect }: Vector): object {
  if ('code' in expect) return readerCodes.has(expect.code) ? { refused: expect.code } : { head: Object };
  const [method, target] = expect.forwarded.line.split(' ');
  return { head: { method, target }, body: expect.forwarded.body, left: next.toString() };
}

function splitThatReadsDifferently(bytes: Buffer, whole: Reading): number | undefined {
  const same = JSON.stringify(whole);
  // A message that repeats one line thousands of times has no new split point in each of them.
  const step = bytes.length > 1500 ? 97 : 1;
  for (let at = 1; at < bytes.length; at += step) {
    if (JSON.stringify(readRequest([bytes.subarray(0, at), bytes.subarray(at)])) !== same) return at;
  }
  return undefined;
}
