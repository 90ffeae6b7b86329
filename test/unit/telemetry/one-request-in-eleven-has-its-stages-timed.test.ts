import { test } from 'tap';
import { sampled, timedOneIn } from '../../../proxy/telemetry/stage-sample.ts';

const timing = { now: () => 0, observe: () => undefined };

test('the first request is timed, so that a proxy with little to do shows its stages too', (t) => {
  t.equal(sampled(timing)(), timing);
  t.end();
});

test('of each eleven one is timed, and each counts for itself', (t) => {
  const next = sampled(timing);
  const timed = Array.from({ length: 5 * timedOneIn }, () => next() !== undefined);
  t.equal(timed.filter(Boolean).length, 5);
  timed.forEach((is, index) => t.equal(is, index % timedOneIn === 0, `request ${index}`));
  t.end();
});

test('traffic that repeats itself every two to ten requests is timed in each of its places', (t) => {
  for (let period = 2; period < timedOneIn; period++) {
    const next = sampled(timing);
    const places = new Set<number>();
    for (let request = 0; request < period * timedOneIn; request++)
      if (next() !== undefined) places.add(request % period);
    t.equal(places.size, period, `every ${period}`);
  }
  t.end();
});
