import fc from 'fast-check';
import { test } from 'tap';
import { responseSubject } from '../../fuzz/response-subject.ts';
import { mutantsOf } from '../../harness/mutations.ts';

/**
 * Response splitting and desync need two parsers that disagree (CVE-2026-6733, CVE-2026-48931). Whatever our reader takes for
 * a whole response, Node's llhttp in strict mode must take for the same: status, fields, body, and where it ends; there is no
 * exception. What we refuse and llhttp takes is refused by a rule that says why.
 */
const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 3000);

void test('no response is read in two ways', async (t) => {
  t.setTimeout(60_000 + budgetMs);
  const subjects = { GET: responseSubject('GET'), HEAD: responseSubject('HEAD') };
  const texts = subjects.GET.corpus.map((bytes) => bytes.toString('latin1')).filter(({ length }) => length < 600);
  let accepted = 0;
  const property = fc.asyncProperty(
    mutantsOf(texts.slice(0, 7), texts),
    fc.constantFrom('GET', 'GET', 'HEAD'),
    async (bytes, method) => {
      const outcome = await subjects[method].compare(bytes);
      if (outcome.verdict === 'both-accept') accepted += 1;
      if (outcome.verdict !== 'unlisted') return;
      throw new Error(`${method} ${JSON.stringify(bytes.toString('latin1'))}: ${outcome.what}`);
    },
  );
  // So many on any machine, and then as many as there is time for.
  await fc.assert(property, { numRuns: 1000, endOnFailure: true });
  await fc.assert(property, { numRuns: 1e9, interruptAfterTimeLimit: budgetMs, endOnFailure: true });
  t.comment(`${accepted} mutants were accepted by both`);
  t.ok(accepted > 30, 'mutants that are accepted at all');
});
