import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { replaceFile } from '../harness/change-files.ts';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { eventually } from '../harness/process.ts';
import { quadraticPolicy as quadratic } from '../harness/slow-policy.ts';
import { startWorkload } from '../harness/workload.ts';

const linear = quadratic.replace('some y in ys', 'y := ys[0]');

const replacePolicy = (proxy: TestProxy, rego: string) => replaceFile(proxy, 'policy/authz.rego', rego);

const pick = ['?n=100000', '?n=100001', '?n=100002', '?n=100003'];

void test('a policy that stops its thread', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { threads: 2, policy: { rego: './policy', engine: 'wasm' } },
    files: { 'policy/authz.rego': quadratic },
  });
  const before = await exchange(proxy.port, proxy.client, requestText('GET', '/a?n=1'));
  t.equal(before.answer?.status, 200, 'it decides small inputs');
  t.equal((await proxy.admin('/readyz')).status, 200);
  const revision = (proxy.audit().find(({ type }) => type === 'authz.allow') as { policy?: { revision: string } })
    .policy;

  // Several at once, so that both threads are stopped, and a successor is met by a request as well.
  const victims = await Promise.all(pick.map(() => connectRaw(proxy.port, proxy.client)));
  victims.forEach((victim, index) => victim.write(requestText('GET', `/slow${pick[index]}`)));
  const replaced = await proxy.untilRecord(({ type }) => type === 'thread.replaced');
  t.match(replaced, { reason: 'deadline', outcome: 'error', policy: revision });
  t.match(await proxy.untilRecord(({ type }) => type === 'policy.bad'), { policy: revision, outcome: 'error' });
  for (const victim of victims) t.notMatch(await victim.untilClosed(), 'HTTP/1.1 200', 'nothing slow is allowed');

  await eventually(async () => (await proxy.admin('/readyz')).status === 503);
  t.match((await proxy.admin('/readyz')).body, /policy/);
  // A connection may still meet the end of a thread; what is answered is answered fail-closed.
  await eventually(async () => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/a?n=1'));
    client.close();
    return answer !== undefined && JSON.parse(answer.body).code === 'policy-undecided' && answer.status === 503;
  });
  await eventually(async () => (await proxy.metric('portcullis_threads ')) === 2);
  const again = await Promise.all(
    [...pick, ...pick].map((query) => exchange(proxy.port, proxy.client, requestText('GET', `/again${query}`))),
  );
  for (const { answer, client } of again) {
    t.equal(answer?.status, 503, 'the marked revision is not asked again, by no thread');
    client.close();
  }
  const count = proxy.audit().filter(({ type }) => type === 'thread.replaced').length;
  t.equal(workload.hits(), 1, 'the workload saw what was allowed and nothing else');
  t.ok((await proxy.metric('portcullis_thread_replacements_total{reason="deadline"}')) === count);

  replacePolicy(proxy, linear);
  await eventually(async () => (await proxy.admin('/readyz')).status === 200);
  const after = await exchange(proxy.port, proxy.client, requestText('GET', '/fixed?n=100'));
  t.equal(after.answer?.status, 200, 'a mended policy comes into force by itself');
  replacePolicy(proxy, quadratic);
  await eventually(async () => (await proxy.admin('/readyz')).status === 503);
  const back = await exchange(proxy.port, proxy.client, requestText('GET', '/back?n=100000'));
  t.equal(back.answer?.status, 503, 'and the bad revision stays bad when it is put back');
  t.equal(proxy.audit().filter(({ type }) => type === 'thread.replaced').length, count);
  for (const { client } of [before, after, back]) client.close();
  t.equal(await proxy.stop(), 0);
});

void test('other connections are served while one thread is stopped', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    // Longer than this machine stands still: the others are asked and answered before it is over.
    config: { threads: 2, policy: { rego: './policy', engine: 'wasm', deadline: '3s' }, limits: { stall: '4s' } },
    files: { 'policy/authz.rego': quadratic },
  });
  const others = await Promise.all(Array.from({ length: 16 }, () => connectRaw(proxy.port, proxy.client)));
  const [victim] = others.splice(0, 1);
  victim?.write(requestText('GET', '/slow?n=100000'));
  const ask = others.map((client) => {
    client.write(requestText('GET', '/fast?n=1'));
    return client.until((text) => parseAnswer(text) !== undefined).catch(() => client.text());
  });
  const first = parseAnswer(await Promise.race(ask));
  t.equal(first?.status, 200);
  t.notOk(
    proxy.audit().some(({ type }) => type === 'thread.replaced'),
    'before the stopped thread was even noticed',
  );
  await proxy.untilRecord(({ type }) => type === 'policy.bad');
  for (const client of others) client.close();
  victim?.close();
});

void test('a successor that cannot start is missed, and tried again until it can', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { threads: 1, policy: { rego: './policy', engine: 'wasm' } },
    files: { 'policy/authz.rego': quadratic },
  });
  t.equal(await proxy.metric('portcullis_threads '), 1);
  // Where it would go on with the records of the one before.
  const stream = join(proxy.folder, 'audit', 'data-0');
  renameSync(stream, `${stream}.away`);
  writeFileSync(stream, '');
  const victim = await connectRaw(proxy.port, proxy.client);
  victim.write(requestText('GET', `/slow${pick[0]}`));
  await proxy.untilLog((log) => log.includes('thread.start-failed'));
  t.equal(await proxy.metric('portcullis_threads '), 0);
  t.match((await proxy.admin('/readyz')).body, /a data thread is being replaced/);
  rmSync(stream);
  renameSync(`${stream}.away`, stream);
  await eventually(async () => (await proxy.metric('portcullis_threads ')) === 1);
  victim.close();
  t.equal(await proxy.stop(), 0);
});
