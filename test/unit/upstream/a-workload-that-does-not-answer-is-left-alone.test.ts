import { test } from 'tap';
import { denialCodes } from '../../../proxy/denial.ts';
import { type Breaker, createBreaker, noBreaker, type Pass, verdictOn } from '../../../proxy/upstream/breaker.ts';

function breakerAt(failures: number, openForMs: number) {
  const clock = { ms: 1000 };
  const said: string[] = [];
  const breaker = createBreaker({ failures, openForMs }, () => clock.ms, {
    opened: (detail) => said.push(detail),
    closed: () => said.push('closed'),
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
  t.same(said, ['3 failures in a row']);
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
  t.same(said, ['2 failures in a row', 'closed']);
  t.end();
});

void test('one who draws out the request that is let through does not keep all others away', (t) => {
  const { breaker, clock, said } = breakerAt(1, 5000);
  passOf(breaker)('fails');
  clock.ms += 5000;
  const slow = passOf(breaker);
  clock.ms += 5000;
  const next = passOf(breaker);
  next('unclear');
  passOf(breaker)('answers');
  t.notOk(breaker.isOpen(), 'one that said nothing gives its turn to the next');
  slow('fails');
  t.notOk(breaker.isOpen(), 'nor does he close it afterwards');
  t.same(said, ['1 failures in a row', 'closed']);
  t.end();
});

void test('what was under way when it opened says nothing', (t) => {
  const { breaker, clock, said } = breakerAt(1, 5000);
  const [late, later] = [passOf(breaker), passOf(breaker)];
  passOf(breaker)('fails');
  late('answers');
  t.ok(breaker.isOpen());
  clock.ms += 4999;
  later('fails');
  clock.ms += 1;
  t.equal(retryAfter(breaker), 'admitted', 'nor does it begin the time anew');
  t.same(said, ['1 failures in a row']);
  t.end();
});

void test('what counts as a failure no client can bring about alone', (t) => {
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
