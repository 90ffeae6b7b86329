import fc from 'fast-check';
import { test } from 'tap';
import { startLlhttp } from '../../fuzz/llhttp.ts';
import { requestDifferences } from '../../fuzz/request-rules.ts';
import { judgeRequest, requestSubject } from '../../fuzz/request-subject.ts';
import { mutants } from '../../harness/mutations.ts';

/**
 * Smuggling needs two parsers that disagree. Whatever our reader and normaliser accept, Node's llhttp in strict mode must
 * accept too, with the same method, target, header list, body and the same next request behind it. What we refuse and llhttp
 * takes is refused by a rule that says why. `npm run fuzz` looks for longer, and starts from every vector.
 */
const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 3000);

void test('no request is read in two ways', async (t) => {
  t.setTimeout(30_000 + budgetMs);
  const { compare } = requestSubject();
  let accepted = 0;
  const property = fc.asyncProperty(mutants, async (bytes) => {
    const outcome = await compare(bytes);
    if (outcome.verdict === 'unlisted') throw new Error(`${JSON.stringify(bytes.toString('latin1'))}: ${outcome.what}`);
    if (outcome.verdict === 'both-accept') accepted += 1;
  });
  // So many on any machine, and then as many as there is time for.
  await fc.assert(property, { numRuns: 1000, endOnFailure: true });
  await fc.assert(property, { numRuns: 1e9, interruptAfterTimeLimit: budgetMs, endOnFailure: true });
  t.comment(`${accepted} mutants were accepted by both`);
  t.ok(accepted > 30, 'mutants that are accepted at all');
});

void test('each argued difference is a real one', async (t) => {
  const readWithNode = startLlhttp();
  for (const { name, when, example } of requestDifferences) {
    const ours = judgeRequest(Buffer.from(example));
    t.ok('head' in ours && when(ours), `${name}: accepted by us`);
    const behind = 'GET /marker HTTP/1.1\r\nHost: marker\r\n\r\n';
    t.match(await readWithNode(Buffer.from(example + behind)), { refused: true }, `${name}: not by llhttp`);
  }
});
