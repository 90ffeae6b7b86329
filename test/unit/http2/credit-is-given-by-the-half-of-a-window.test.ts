import { test } from 'tap';
import { ReceiveWindow } from '../../../proxy/http2/receive-window.ts';

function windowOf(size: number) {
  const given: number[] = [];
  return { given, window: new ReceiveWindow(size, (increment) => given.push(increment)) };
}

void test('a larger window than everybody has is told at once', (t) => {
  const { given, window } = windowOf(262_144);
  t.same(given, [262_144 - 65_535]);
  t.equal(window.arrived(262_144), true);
  t.equal(window.arrived(1), false);
  t.end();
});

void test('what nobody has taken gives no credit', (t) => {
  const { given, window } = windowOf(65_535);
  t.equal(window.arrived(65_535), true);
  t.same(given, []);
  t.equal(window.arrived(1), false, 'one byte more than was allowed');
  t.end();
});

void test('what was taken is given back in few frames, to the last byte', (t) => {
  const { given, window } = windowOf(65_535);
  let left = 65_535;
  let told = 0;
  for (let piece = 0; piece < 10_000; piece += 1) {
    if (!window.arrived(100)) t.fail('inside of what was given');
    left -= 100;
    window.took(100);
    left += given.slice(told).reduce((sum, increment) => sum + increment, 0);
    told = given.length;
    if (left <= 0 || left > 65_535) t.fail(`${left} bytes left`);
  }
  t.ok(given.length <= (10_000 * 100) / 32_768, `${given.length} frames for ten thousand pieces`);
  t.end();
});
