import { test } from 'tap';
import { denialCodes } from '../../../proxy/denial.ts';
import { type Breaker, createBreaker, noBreaker, type Pass, verdictOn } from '../../../proxy/upstream/breaker.ts';

function breakerAt(failures: number, openForMs: number) {
  const clock = { ms: 1000 };
  const said: string[] = [];
  const breaker = createBreaker({ failures, openForMs }, () => clock.ms, {
    opened: (detail) => said.push(detail),
    closed: (detail) => said.push(detail),
  });
  return { breaker, clock, said };
}

function passOf(breaker: Breaker): Pass {
  const pass = breaker.admit();
  if (typeof pass !== 'function') throw new Error(pass.code);
  return pass;
}

const retryAfter = (breaker: Breaker) => {
  const refused = breaker.admit();
  return typeof refused === 'function' ? 'admitted' : refused.headers;
};

void test('it opens after so many failures in a row, and one answer begins the count anew', (t) => {
  const { breaker, said } = breakerAt(3, 5000);
  for (const verdict of ['fails', 'fails', 'answers', 'fails', 'unclear', 'fails'] as const) passOf(breaker)(verdict);
  t.notOk(breaker.isOpen());
  passOf(breaker)('fails');
  t.ok(breaker.isOpen());
  t.same(said, ['failures in a row: 3']);
  t.end();
});

void test('while it is open nobody passes, and is told when to come again', (t) => {
  const { breaker, clock } = breakerAt(1, 5000);
  passOf(breaker)('fails');
  t.same(retryAfter(breaker), ['retry-after', '5']);
  clock.ms += 3999.5;
  t.same(retryAfter(breaker), ['retry-after', '2']);
  clock.ms += 1000.4;
  t.same(retryAfter(breaker), ['retry-after', '1']);
  t.end();
});

void test('then one passes each time: a failure begins the time anew, an answer lets all follow', (t) => {
  const { breaker, clock, said } = breakerAt(2, 5000);
  passOf(breaker)('fails');
  passOf(breaker)('fails');
  clock.ms += 5000;
  const first = passOf(breaker);
  t.same(retryAfter(breaker), ['retry-after', '5'], 'nobody else while it is under way');
  clock.ms += 4000;
  first('fails');
  t.same(retryAfter(breaker), ['retry-after', '5']);
  clock.ms += 5000;
  passOf(breaker)('answers');
  t.notOk(breaker.isOpen());
  passOf(breaker)('fails');
  t.notOk(breaker.isOpen(), 'and counts from nothing');
  t.same(said, ['failures in a row: 2', 'it has answered']);
  t.end();
});

void test('one who draws out the request that is let through, or leaves, does not keep all others away', (t) => {
  const { breaker, clock, said } = breakerAt(1, 5000);
  passOf(breaker)('fails');
  clock.ms += 5000;
  const slow = passOf(breaker);
  clock.ms += 5000;
  passOf(breaker)('unclear');
  t.same(retryAfter(breaker), ['retry-after', '1'], 'nor are there thousands of them');
  clock.ms += 100;
  passOf(breaker)('answers');
  t.notOk(breaker.isOpen());
  slow('fails');
  t.notOk(breaker.isOpen(), 'nor does he close it afterwards');
  t.same(said, ['failures in a row: 1', 'it has answered']);
  t.end();
});

void test('what was under way when it opened or closed says nothing any more', (t) => {
  const { breaker, clock, said } = breakerAt(1, 5000);
  const before = Array.from({ length: 3 }, () => passOf(breaker));
  passOf(breaker)('fails');
  before[0]?.('answers');
  t.ok(breaker.isOpen());
  clock.ms += 5000;
  const early = passOf(breaker);
  clock.ms += 5000;
  passOf(breaker)('answers');
  for (const pass of before) pass('fails');
  t.notOk(breaker.isOpen(), 'requests from before do not open it again');
  passOf(breaker)('fails');
  early('answers');
  t.ok(breaker.isOpen(), 'nor does an earlier trial close it');
  t.same(said, ['failures in a row: 1', 'it has answered', 'failures in a row: 1']);
  t.end();
});

void test('what fails while others are answered says something of itself', (t) => {
  const { breaker } = breakerAt(2, 5000);
  const slow = Array.from({ length: 20 }, () => passOf(breaker));
  passOf(breaker)('answers');
  for (const pass of slow) pass('fails');
  t.notOk(breaker.isOpen());
  const all = Array.from({ length: 20 }, () => passOf(breaker));
  for (const pass of all) pass('fails');
  t.ok(breaker.isOpen(), 'all of them, and nobody else was answered');
  t.end();
});

void test('connections that cannot be had count though nobody waits for them any more', (t) => {
  const { breaker, clock } = breakerAt(2, 5000);
  breaker.missed();
  passOf(breaker)('unclear');
  breaker.missed();
  t.ok(breaker.isOpen());
  clock.ms += 4000;
  breaker.missed();
  clock.ms += 4000;
  t.same(retryAfter(breaker), ['retry-after', '1']);
  t.end();
});

void test('one that another configuration has replaced says that it is over, and nothing more', (t) => {
  const { breaker, clock, said } = breakerAt(1, 5000);
  const late = passOf(breaker);
  passOf(breaker)('fails');
  breaker.retire();
  clock.ms += 5000;
  passOf(breaker)('answers');
  late('fails');
  t.same(said, ['failures in a row: 1', 'the configuration has changed']);
  const closed = breakerAt(1, 5000);
  closed.breaker.retire();
  passOf(closed.breaker)('fails');
  t.same(closed.said, []);
  t.end();
});

void test('an answer is no failure, and what had no time is unclear', (t) => {
  const failing = (hadItsTime: boolean) => denialCodes.filter((code) => verdictOn(code, hadItsTime) === 'fails');
  t.same(failing(true).toSorted(), [
    'upstream-reset',
    'upstream-timeout',
    'upstream-unreachable',
    'upstream-unverified',
  ]);
  t.same(failing(false).toSorted(), ['upstream-unreachable', 'upstream-unverified']);
  t.equal(verdictOn(undefined, false), 'answers');
  for (const code of ['upstream-malformed', 'upstream-too-large'] as const) t.equal(verdictOn(code, true), 'answers');
  t.equal(verdictOn('client-aborted', true), 'unclear');
  t.end();
});

void test('without one, everybody passes', (t) => {
  for (let request = 0; request < 100; request += 1) passOf(noBreaker)('fails');
  t.equal(retryAfter(noBreaker), 'admitted');
  t.end();
});
