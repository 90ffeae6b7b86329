import { readFileSync } from 'node:fs';
import { test } from 'tap';
import {
  METRICS,
  type MetricDefinition,
  metricsReference,
  STAGE_BUCKETS_SECONDS,
} from '../../../proxy/telemetry/definitions.ts';
import { createMeasurements } from '../../../proxy/telemetry/measurements.ts';
import { createMetrics } from '../../../proxy/telemetry/metrics.ts';

const vocabulary = { routes: ['orders', 'list'], stages: ['identity', 'authorize'], handshakeReasons: ['expired'] };
const runtime = { version: '0.1.0', node: '26.12.1', openssl: '3.5.8' };
const quiet = { read: () => ({ p99Ms: 1, maxMs: 2 }) };

/** Every metric with a value of its own. */
function busy() {
  const measurements = createMeasurements(vocabulary, quiet);
  measurements.request('orders', undefined);
  measurements.request('orders', 'forbidden');
  measurements.stage('identity', 0.02);
  measurements.upstreamResponse(204);
  measurements.handshakeAccepted();
  measurements.handshakeRefused('expired');
  measurements.auditWritten(3);
  measurements.auditLost(1);
  measurements.auditLag(250);
  measurements.policy('compared');
  measurements.connectionOpened();
  measurements.requestStarted();
  const metrics = createMetrics(vocabulary, runtime);
  // As it crosses threads.
  metrics.absorb(0, structuredClone(measurements.drain()));
  metrics.threadReplaced('stalled');
  metrics.setThreads(2);
  metrics.setSvidExpiry(1_800_000_000_000);
  metrics.setRevocationLists(new Map([['https://pki.shop.example/ca.crl', 1_700_000_000_000]]));
  metrics.setSnapshot('sha256:aa', 'r1');
  metrics.reloaded('rejected');
  metrics.setUnsafe(['unsafe_close_delimited']);
  return { measurements, metrics };
}

/** Family name -> its lines, of Prometheus text. */
function families(text: string) {
  const found = new Map<string, { type: string; lines: string[] }>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) {
      lines = [];
      found.set(name, { type, lines });
    } else if (line !== '' && !line.startsWith('#')) {
      lines.push(line);
    }
  }
  return found;
}

test('a scrape holds every metric of the table with its labels, and no other', async (t) => {
  const found = families(await busy().metrics.expose());
  const table: readonly MetricDefinition[] = Object.values(METRICS);
  t.same(new Set(found.keys()), new Set(table.map(({ name }) => name)));
  t.equal(found.size, table.length);
  for (const { name, type, labels } of table) {
    const family = found.get(name);
    t.equal(family?.type, type, name);
    t.ok(family?.lines.length, `${name} has a value`);
    for (const line of family?.lines ?? []) {
      const own = [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label ?? '').filter((label) => label !== 'le');
      t.same(new Set(own), new Set(labels), line);
    }
  }
});

test('docs/metrics.md is the table', (t) => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  t.equal(docs, metricsReference(), 'write metricsReference() of proxy/telemetry/definitions.ts to docs/metrics.md');
  t.end();
});

test('deltas add up in counters, gauges show the last, a drained delta is not sent twice', async (t) => {
  const { measurements, metrics } = busy();
  measurements.request('orders', undefined);
  measurements.connectionOpened();
  metrics.absorb(0, measurements.drain());
  metrics.absorb(0, measurements.drain());
  metrics.absorb(1, createMeasurements(vocabulary, quiet).drain());
  const text = await metrics.expose();
  t.match(text, 'portcullis_requests_total{route="orders",outcome="allowed",code="ok"} 2\n');
  t.match(text, 'portcullis_requests_total{route="orders",outcome="denied",code="forbidden"} 1\n');
  t.match(text, 'portcullis_open_connections{thread="0"} 2\n');
  t.match(text, 'portcullis_open_connections{thread="1"} 0\n');
  t.match(text, 'portcullis_audit_lag_seconds{thread="0"} 0.25\n');
  t.match(text, 'portcullis_event_loop_delay_p99_seconds{thread="0"} 0.001\n');
  t.match(text, 'portcullis_svid_expiry_timestamp_seconds 1800000000\n');
});

test('a thread that ended keeps its counts and loses its gauges', async (t) => {
  const { metrics } = busy();
  metrics.threadEnded(0);
  const text = await metrics.expose();
  t.match(text, 'portcullis_audit_records_total 3\n');
  t.notMatch(text, 'thread="0"');
});

test('the new snapshot and the new unsafe options replace the old', async (t) => {
  const { metrics } = busy();
  metrics.setSnapshot('sha256:bb', 'r2');
  metrics.setUnsafe([]);
  const text = await metrics.expose();
  t.match(text, 'portcullis_snapshot_info{digest="sha256:bb",policy_revision="r2"} 1\n');
  t.notMatch(text, 'sha256:aa');
  t.notMatch(text, 'unsafe_close_delimited');
});

test('stage times fall into cumulative buckets, whose bounds are inclusive', async (t) => {
  const measurements = createMeasurements(vocabulary, quiet);
  const times = [0.01, 0.011, 30_000, 30_001];
  for (const milliseconds of times) measurements.stage('authorize', milliseconds);
  const metrics = createMetrics(vocabulary, runtime);
  metrics.absorb(0, measurements.drain());
  const lines = families(await metrics.expose()).get('portcullis_stage_seconds')?.lines ?? [];
  const value = (suffix: string) =>
    Number(
      lines
        .find((line) => line.includes(suffix))
        ?.split(' ')
        .at(-1),
    );
  t.equal(lines.length, STAGE_BUCKETS_SECONDS.length + 3);
  t.equal(value('le="0.00001"'), 1);
  t.equal(value('le="0.00005"'), 2);
  t.equal(value('le="30"'), 3);
  t.equal(value('le="+Inf"'), 4);
  t.equal(value('_count'), 4);
  t.ok(Math.abs(value('_sum') - times.reduce((sum, time) => sum + time, 0) / 1000) < 1e-9);
});
