import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { test } from 'tap';
import { load, type LoadAnswer } from '../../bench/load/each-answer.ts';
import { verifyAudit } from '../../proxy/audit/verify.ts';
import { newFolder, readAudit, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const rounds = 3;
const config = { threads: 2 };

test('kill -9 in the middle of load: what was answered is on record, and the chain goes on', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const folder = newFolder(t);
  const answered: LoadAnswer[] = [];
  for (let round = 1; round <= rounds; round++) {
    const proxy = await startProxy(t, { workloadPort: workload.port, folder, config });
    const gone = once(proxy.child, 'exit');
    const hitsBefore = workload.hits();
    const loading = load({
      port: proxy.port,
      credential: proxy.client,
      connections: 16,
      goesOn: () => proxy.child.exitCode === null && proxy.child.signalCode === null,
      request: (number) =>
        number % 3 === 0
          ? { method: 'POST', path: `/r${round}/${number}`, body: 'x'.repeat(700) }
          : { method: 'GET', path: `/r${round}/${number}` },
    });
    while (workload.hits() - hitsBefore < 300) await setImmediate();
    proxy.child.kill('SIGKILL');
    await gone;
    const { answers, failures } = await loading;
    t.ok(answers.length >= 250, `round ${round}: ${answers.length} answers before the kill`);
    t.ok(failures.length > 0, `round ${round}: ${failures.length} requests were in flight`);
    t.ok(answers.every(({ status }) => status === 200));
    answered.push(...answers);
  }

  const again = await startProxy(t, { workloadPort: workload.port, folder, config });
  const streams = await verifyAudit(join(folder, 'audit'));
  t.same(
    streams.map(({ fault }) => fault),
    streams.map(() => undefined),
    'the trail verifies',
  );
  const records = again.audit();
  const ids = records.filter(({ type }) => type === 'authz.allow').map((record) => record['id']);
  const recorded = new Set(ids);
  t.equal(recorded.size, ids.length, 'no exchange has two records');
  t.same(
    answered.filter(({ id }) => !recorded.has(id)),
    [],
    `each of ${answered.length} answers has its record`,
  );
  const busy = new Set(records.filter(({ type }) => type === 'authz.allow').map(({ stream }) => stream));
  t.same(busy, new Set(['data-0', 'data-1']), 'both data threads had a part in it');
  t.equal(records.filter(({ type }) => type === 'proc.start').length, rounds + 1);
  t.equal(records.filter(({ type }) => type === 'proc.stop').length, 0);
  t.equal(
    records.filter(({ type }) => type === 'audit.recovered').length,
    3 * rounds,
    'each of three streams admits each kill',
  );
  t.equal(await again.stop(), 0);
  t.ok((await verifyAudit(join(folder, 'audit'))).every(({ fault }) => fault === undefined));
  t.equal(readAudit(join(folder, 'audit')).filter(({ type }) => type === 'proc.stop').length, 1);
});
