import { test } from 'tap';
import { adminCalls } from '../../../proxy/control/control-audit.ts';
import { bodyOf, get, open, statusOf } from './raw-request.ts';

test('livez, metrics and snapshot answer, and every call is reported for the audit', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  t.same(JSON.parse(bodyOf(await get(opened, '/livez'))), { live: true });
  const metrics = await get(opened, '/metrics');
  t.match(metrics, 'Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n');
  t.equal(bodyOf(metrics), 'portcullis_threads 1\n');
  t.same(JSON.parse(bodyOf(await get(opened, '/snapshot'))), { digest: 'sha256:abc' });
  t.same(
    opened.calls,
    ['/livez', '/metrics', '/snapshot'].map((target) => ({ method: 'GET', target, status: 200, remote: '127.0.0.1' })),
  );
});

test('readyz is 200 only when every condition holds, and names those that do not', async (t) => {
  let conditions = [
    { name: 'policy', ok: true },
    { name: 'audit', ok: false, detail: 'no space left on device' },
  ];
  const opened = await open({ ready: () => conditions });
  t.teardown(() => opened.admin.close());
  const unready = await get(opened, '/readyz');
  t.equal(statusOf(unready), 503);
  t.same(JSON.parse(bodyOf(unready)), { ready: false, conditions });
  conditions = conditions.map(({ name }) => ({ name, ok: true, detail: '' }));
  t.equal(statusOf(await get(opened, '/readyz')), 200);
  conditions = [];
  t.equal(statusOf(await get(opened, '/readyz')), 503, 'nothing verified is not ready');
});

test('anything else is not there: the target is compared as it came', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const targets = ['/', '/livez/', '/livez?x', '//livez', '/./livez', '/%6civez', '/LIVEZ', '/snapshot#x', '/shutdown'];
  for (const target of targets) t.equal(statusOf(await get(opened, target)), 404, target);
});

test('answers are never stored, sniffed or run by a browser', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  for (const target of ['/livez', '/metrics', '/missing']) {
    const answer = await get(opened, target);
    t.match(answer, 'Cache-Control: no-store\r\n');
    t.match(answer, 'X-Content-Type-Options: nosniff\r\n');
    t.match(answer, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    t.notMatch(answer, 'Access-Control-Allow-Origin');
  }
});

test('a failure inside is a 500 that tells the caller nothing and the audit why', async (t) => {
  const opened = await open({
    metrics: () => Promise.reject(new Error('registry broke')),
    snapshot: () => {
      throw new Error('no snapshot');
    },
  });
  t.teardown(() => opened.admin.close());
  const answer = await get(opened, '/metrics');
  t.equal(statusOf(answer), 500);
  t.notMatch(answer, 'registry broke');
  t.match(opened.calls[0], { status: 500, reason: 'Error: registry broke' });
  t.equal(statusOf(await get(opened, '/snapshot')), 500);
  t.equal(statusOf(await get(opened, '/livez')), 200, 'and the server goes on');
});

test('a call that cannot be recorded is not answered', async (t) => {
  let full = true;
  const opened = await open({
    onCall: () => {
      if (full) throw new Error('audit is full');
    },
  });
  t.teardown(() => opened.admin.close());
  t.equal(await get(opened, '/snapshot').catch(() => ''), '');
  full = false;
  t.equal(statusOf(await get(opened, '/snapshot')), 200);
});

test('on record, a call is allowed when it was answered, ready or not; denied; or failed', async (t) => {
  const outcomes: unknown[] = [];
  const onCall = adminCalls({ append: ({ outcome }) => void outcomes.push(outcome) });
  for (const status of [200, 503, 403, 404, 405, 501, 500])
    onCall({ method: 'GET', target: '/readyz', status, remote: 'unix' });
  const commands: unknown[] = [];
  const asked = adminCalls({ append: ({ command }) => void commands.push(command) });
  asked({ method: 'GET', target: '/metrics?access_token=secret&x=1', status: 404, remote: 'unix' });
  t.same(commands, ['GET /metrics?access_token=***&x=1'], 'as every target, without credentials');
  t.same(outcomes, ['allow', 'allow', 'deny', 'deny', 'deny', 'deny', 'error']);
});
