import { test } from 'tap';
import { fuzz } from '../../fuzz/fuzz.ts';
import { seeded } from '../../harness/random.ts';
import { requestRefusals } from '../../fuzz/request-rules.ts';
import { goodAndOddRequests, judgeRequest, requestSubject } from '../../fuzz/request-subject.ts';
import { responseRefusals } from '../../fuzz/response-rules.ts';
import { goodAndOddResponses, responseSubject } from '../../fuzz/response-subject.ts';
import { type ResponseReading, readResponse } from '../../fuzz/read-response.ts';
import { type Refusal, ruleOf } from '../../fuzz/rule.ts';
import type { Subject } from '../../fuzz/subject.ts';

/** Only what was given: `npm run fuzz` goes on from there. */
const never = () => false;

void test('every vector is read alike, or by a rule', async (t) => {
  t.setTimeout(60_000);
  const subjects = [requestSubject(), responseSubject('GET'), responseSubject('HEAD')];
  const { tallies, findings } = await fuzz(subjects, seeded(1), never);
  t.same(findings, []);
  for (const [name, { executions, bothAccept, rules }] of tallies) {
    t.ok(executions > 100 && bothAccept > 10 && rules.size > 0, `${name}: ${executions} messages`);
  }
});

void test('no rule is without a vector, and no refusal of the readers without a rule', (t) => {
  const requests = goodAndOddRequests.map(judgeRequest).filter((reading) => 'refused' in reading);
  const responses = goodAndOddResponses.map((bytes) => readResponse([bytes], 'GET')).filter(isMalformed);
  for (const [rules, refusals] of [
    [requestRefusals, requests],
    [responseRefusals, responses],
  ] as const) {
    const met = refusals.map((refusal) => ruleOf(rules, refusal));
    t.same(
      refusals.filter((_, index) => met[index] === undefined),
      [],
    );
    t.same(
      rules.map(({ name }) => name).filter((name) => !met.includes(name)),
      [],
    );
  }
  t.end();
});

void test('a disagreement that no rule explains is found, and shown as short as it can be', async (t) => {
  const planted: Subject = {
    name: 'planted',
    corpus: [Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\nX: sesame\r\n\r\n')],
    read: () => ({}),
    compare: async (bytes) =>
      bytes.includes('sesame') ? { verdict: 'unlisted', what: 'open' } : { verdict: 'both-accept', mark: '' },
  };
  const { findings } = await fuzz([planted], seeded(1), never);
  t.same(
    findings.map(({ what, bytes }) => [what, bytes.toString()]),
    [['open', 'sesame']],
  );
});

void test('a reader that depends on how its bytes are cut is found', async (t) => {
  const planted: Subject = {
    name: 'planted',
    corpus: [Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')],
    read: (pieces) => ({ first: pieces[0]?.length }),
    compare: async () => ({ verdict: 'both-accept', mark: '' }),
  };
  const { findings } = await fuzz([planted], seeded(1), never);
  t.match(findings[0]?.what, /when cut after/);
});

function isMalformed(reading: ResponseReading): reading is Refusal {
  return 'refused' in reading && reading.refused === 'upstream-malformed';
}
