import { test } from 'tap';
import { rateLimitFields } from '../../../proxy/limit/rate-limit-fields.ts';

const quota = { requests: 100, perMs: 60_000, burst: 20 };

test('an allowed request hears its policy and what is left', (t) => {
  t.same(rateLimitFields('orders', quota, { allowed: true, remaining: 19, resetMs: 600 }), [
    'RateLimit-Policy',
    '"orders";q=100;w=60',
    'RateLimit',
    '"orders";r=19;t=1',
  ]);
  t.end();
});

test('a refused one also hears when to come back, in whole seconds rounded up', (t) => {
  const fields = rateLimitFields('orders', quota, {
    allowed: false,
    remaining: 0,
    resetMs: 11_400.2,
    retryAfterMs: 1000.001,
  });
  t.same(fields.slice(2), ['RateLimit', '"orders";r=0;t=12', 'Retry-After', '2']);
  t.end();
});

test('a window that is no whole number of seconds is told at the same rate', (t) => {
  const verdict = { allowed: true, remaining: 1, resetMs: 0 } as const;
  t.equal(rateLimitFields('r', { requests: 5, perMs: 100, burst: 1 }, verdict)[1], '"r";q=50;w=1');
  t.equal(rateLimitFields('r', { requests: 3, perMs: 1500, burst: 1 }, verdict)[1], '"r";q=4;w=2');
  t.end();
});

test('a route name cannot break out of its structured string', (t) => {
  const verdict = { allowed: true, remaining: 1, resetMs: 0 } as const;
  t.equal(rateLimitFields('a"b\\c\r\nx: é', quota, verdict)[3], String.raw`"a\"b\\c__x: _";r=1;t=0`);
  t.end();
});
