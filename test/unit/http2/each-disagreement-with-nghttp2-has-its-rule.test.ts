import { test } from 'tap';
import { fuzz } from '../../fuzz/fuzz.ts';
import { goodAndOddConnections, goodConnections } from '../../fuzz/http2/corpus.ts';
import { readWithNghttp2 } from '../../fuzz/http2/nghttp2.ts';
import { readConnection } from '../../fuzz/http2/read-connection.ts';
import { http2Differences, http2Refusals } from '../../fuzz/http2/rules.ts';
import { http2Subject } from '../../fuzz/http2/subject.ts';
import { seeded } from '../../harness/random.ts';

void test('every message of the corpus is read alike, or by a rule; no rule is without one', async (t) => {
  t.setTimeout(60_000);
  // Only what was given: `npm run fuzz` goes on from there.
  const { tallies, findings } = await fuzz([http2Subject()], seeded(1), () => false);
  t.same(
    findings.map(({ what, bytes }) => [what, bytes.toString('latin1')]),
    [],
  );
  const tally = tallies.get('http2 connections');
  t.equal(tally?.executions, goodAndOddConnections.length);
  t.ok((tally?.bothAccept ?? 0) >= goodConnections.length);
  t.same(
    http2Refusals.map(({ name }) => name).filter((name) => !tally?.rules.has(name)),
    [],
  );
});

void test('plainly good connections are read whole by both', async (t) => {
  for (const bytes of goodConnections) {
    const ours = await readConnection([bytes]);
    const theirs = await readWithNghttp2(bytes, false);
    t.equal(ours.requests.length, theirs.requests.size, 'as many requests');
    t.match([ours.violated, theirs.ended], [undefined, false]);
  }
});

void test('each argued difference is a real one', async (t) => {
  const { compare } = http2Subject();
  for (const { name, example } of http2Differences) {
    const bytes = Buffer.from(example, 'latin1');
    t.same(await compare(bytes), { verdict: 'rule', rule: name });
    t.equal((await readConnection([bytes])).violated, undefined, `${name}: we go on`);
    t.equal((await readWithNghttp2(bytes, false)).ended, true, `${name}: nghttp2 does not`);
  }
});
