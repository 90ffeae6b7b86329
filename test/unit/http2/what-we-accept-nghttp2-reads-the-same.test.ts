import { test } from 'tap';
import { fuzz } from '../../fuzz/fuzz.ts';
import { http2Subject } from '../../fuzz/http2/subject.ts';
import { seeded } from '../../harness/random.ts';

/**
 * A request that two read differently is how requests are smuggled. Whatever of a connection we accept, Node's nghttp2
 * accepts too, with the same method, path, host, fields, body and end, on the same stream. `npm run fuzz` looks for
 * longer, and from another seed each time.
 */
const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 3000);

void test('no connection is read in two ways', async (t) => {
  t.setTimeout(60_000 + budgetMs);
  const end = performance.now() + budgetMs;
  let left = 1000;
  const goesOn = () => (left -= 1) > 0 || performance.now() < end;
  const { tallies, findings } = await fuzz([http2Subject()], seeded(2), goesOn);
  t.same(
    findings.map(({ what, bytes }) => [what, bytes.toString('latin1')]),
    [],
  );
  const accepted = tallies.get('http2 connections')?.bothAccept ?? 0;
  t.comment(`${accepted} were accepted by both`);
  t.ok(accepted > 100, 'mutants that are accepted at all');
});
