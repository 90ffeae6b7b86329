import { test } from 'tap';
import { createMeasurements } from '../../../proxy/telemetry/measurements.ts';
import { createMetrics } from '../../../proxy/telemetry/metrics.ts';

const quiet = { read: () => ({ p99Ms: 0, maxMs: 0 }) };
const runtime = { version: '0', node: '0', openssl: '0' };
const names = (routes: readonly string[]) => ({ routes, stages: ['identity'], handshakeReasons: ['expired'] });

const seriesOf = (text: string, name: string) => text.split('\n').filter((line) => line.startsWith(`${name}{`));

test('whatever clients send, the number of series does not grow', async (t) => {
  const measurements = createMeasurements(names(['orders']), quiet);
  for (let index = 0; index < 1000; index += 1) {
    measurements.request(`/probe-${index}`, 'no-route');
    measurements.handshakeRefused(`reason-${index}`);
    measurements.stage(`stage-${index}`, 1);
    measurements.upstreamResponse(index);
  }
  measurements.request(undefined, 'no-route');
  measurements.request('__proto__', 'no-route');
  const delta = measurements.drain();
  t.same(delta.requests, [['other', 'no-route', 1002]]);
  t.same(delta.handshakeRefusals, [['other', 1000]]);
  t.equal(delta.stages.length, 1);
  t.same(
    new Map(delta.upstreamResponses),
    new Map([['other', 600], ...['2xx', '3xx', '4xx', '5xx'].map((name) => [name, 100] as const)]),
  );
});

test('after a reload names of the old snapshot count as other, on both sides', async (t) => {
  const measurements = createMeasurements(names(['old']), quiet);
  const metrics = createMetrics(names(['old']), runtime);
  measurements.request('old', undefined);
  metrics.setVocabulary(names(['new']));
  metrics.absorb(0, measurements.drain());
  measurements.setVocabulary(names(['new']));
  measurements.request('old', undefined);
  measurements.request('new', undefined);
  metrics.absorb(0, measurements.drain());
  t.same(seriesOf(await metrics.expose(), 'portcullis_requests_total'), [
    'portcullis_requests_total{route="other",outcome="allowed",code="ok"} 2',
    'portcullis_requests_total{route="new",outcome="allowed",code="ok"} 1',
  ]);
});

test('a name with quotes, backslashes and line ends stays one label value (CVE-2026-73546 class)', async (t) => {
  const evil = 'a"} 1\nportcullis_threads 99\n# \\';
  const measurements = createMeasurements(names([evil]), quiet);
  const metrics = createMetrics(names([evil]), runtime);
  measurements.request(evil, undefined);
  metrics.absorb(0, measurements.drain());
  metrics.setUnsafe([evil]);
  metrics.setSnapshot(evil, evil);
  const text = await metrics.expose();
  t.notMatch(text, /^portcullis_threads 99/m);
  const escaped = String.raw`a\"} 1\nportcullis_threads 99\n# \\`;
  t.ok(text.includes(`portcullis_requests_total{route="${escaped}",outcome="allowed",code="ok"} 1\n`));
  t.ok(text.includes(`portcullis_unsafe_option{option="${escaped}"} 1\n`));
});
