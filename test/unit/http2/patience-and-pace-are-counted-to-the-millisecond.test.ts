import { test } from 'tap';
import type { LimitsConfig } from '../../../proxy/config/config.ts';
import { dueOn } from '../../../proxy/http2/deadlines.ts';
import { EndedStreams } from '../../../proxy/http2/ended-streams.ts';
import { Pace } from '../../../proxy/http2/pace.ts';
import { Patience } from '../../../proxy/http2/patience.ts';

void test('two hundred at once, and then fifty a second', (t) => {
  let now = 5000;
  const patience = new Patience(() => now);
  const spend = () => {
    let spent = 0;
    while (spent < 1000 && patience.spend()) spent += 1;
    return spent;
  };
  t.equal(spend(), 200);
  now += 1000;
  // One of them pays for the try that failed.
  t.equal(spend(), 49);
  now += 1_000_000;
  t.equal(spend(), 200, 'no more is saved');
  t.end();
});

const limits = { headMs: 10, keepAliveMs: 30, writeIdleMs: 20, bodyIdleMs: 15, bodyMs: 60 } as LimitsConfig;

void test('a frame or a block that is not whole is slow when its time is over, however much comes meanwhile', (t) => {
  const pace = new Pace(100);
  t.equal(pace.isSlow(true, limits, 110), false);
  t.equal(pace.isSlow(true, limits, 111), true);
  t.equal(pace.isSlow(false, limits, 1000), false, 'nothing has begun');
  pace.blockSince = 100;
  pace.lastFrameAt = 110;
  t.equal(pace.isSlow(false, limits, 110), false);
  t.equal(pace.isSlow(false, limits, 111), true, 'the parts of a block have its time together');
  t.end();
});

void test('who has not asked yet has the time of a head, who has asked that of keep_alive', (t) => {
  const pace = new Pace(100);
  t.same([pace.isIdle(0, limits, 110), pace.isIdle(0, limits, 111)], [false, true]);
  t.same([pace.isIdle(1, limits, 130), pace.isIdle(1, limits, 131)], [false, true]);
  t.end();
});

void test('a client that takes nothing is stuck since it was first seen to, and not once it has moved', (t) => {
  const pace = new Pace(0);
  t.equal(pace.isStuck(true, limits, 100), false);
  t.equal(pace.isStuck(true, limits, 120), false);
  t.equal(pace.isStuck(true, limits, 121), true);
  pace.moved();
  t.equal(pace.isStuck(true, limits, 122), false);
  t.equal(pace.isStuck(false, limits, 200), false);
  t.equal(pace.isStuck(true, limits, 201), false, 'since then');
  t.end();
});

type Due = Parameters<typeof dueOn>[0];

void test('a body is late when it is silent or too long, and only while somebody waits for it', (t) => {
  const stream = (lastProgress: number, bodyWaits: boolean, answerWaits: boolean) =>
    ({
      began: 0,
      lastProgress,
      exchange: { body: { waitsForClient: bodyWaits }, answer: { waitsForClient: answerWaits } },
    }) as Due;
  t.same(
    [dueOn(stream(0, true, false), limits, 15), dueOn(stream(0, true, false), limits, 16)],
    [undefined, 'late-body'],
  );
  t.same(
    [dueOn(stream(50, true, false), limits, 60), dueOn(stream(50, true, false), limits, 61)],
    [undefined, 'late-body'],
  );
  t.equal(dueOn(stream(0, false, false), limits, 1000), undefined);
  t.same([dueOn(stream(0, false, true), limits, 20), dueOn(stream(0, false, true), limits, 21)], [undefined, 'unread']);
  t.end();
});

void test('who ended a stream is remembered as long as it matters, and the first word counts', (t) => {
  const ended = new EndedStreams(2);
  ended.add(1, 'by-us');
  ended.add(1, 'in-order');
  t.equal(ended.endOf(1), 'by-us');
  for (let stream = 3; stream < 203; stream += 2) ended.add(stream, 'by-client');
  t.equal(ended.endOf(3), 'by-client', 'with 99 behind it');
  ended.add(203, 'in-order');
  t.same(
    [ended.endOf(1), ended.endOf(3), ended.endOf(203), ended.endOf(5000)],
    ['by-us', undefined, 'in-order', undefined],
    'what others ended makes nobody forget what we did',
  );
  for (const stream of [205, 207, 209]) ended.add(stream, 'by-us');
  t.equal(ended.endOf(1), 'by-us', 'twice as many as there may be at once');
  ended.add(211, 'by-us');
  t.equal(ended.endOf(1), undefined);
  t.end();
});
