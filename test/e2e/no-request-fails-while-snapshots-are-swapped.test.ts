import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import {
  digestsOf,
  isExchange,
  reloadConfig,
  reloadFiles,
  reloadUnderLoad,
  replaceFile,
} from '../../bench/reload-under-load.ts';
import { verifyAudit } from '../../proxy/audit/verify.ts';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

// The full run, a minute and a hundred reloads, is `npm run soak`.

test('reloads under load: no request fails, and each is judged by one snapshot', async (t) => {
  const held: ServerResponse[] = [];
  const workload = await startWorkload(({ url }, _, response) => {
    if (url === '/held') held.push(response);
    else response.end('ok');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { ...reloadConfig, threads: 2 },
    files: reloadFiles,
  });

  await t.test('ten reloads at 200 requests a second', async (t) => {
    const { load, digests, recordsByDigest } = await reloadUnderLoad(proxy, {
      reloads: 10,
      ratePerSecond: 200,
      connections: 8,
      atLeastMs: 1000,
    });
    t.same(load.failures, []);
    t.same(
      load.answers.filter(({ status }) => status !== 200),
      [],
    );
    t.equal(new Set(digests).size, 11);
    t.same(
      [...recordsByDigest.keys()].filter((digest) => !digests.includes(digest)),
      [],
      'no record names a digest that never was in force',
    );
    t.ok(recordsByDigest.size > 5, `records under ${recordsByDigest.size} digests`);
    const ids = proxy
      .audit()
      .filter(isExchange)
      .map((record) => record['id']);
    t.same(new Set(ids), new Set(load.answers.map(({ id }) => id)), 'one record for each answer and no other');
    t.equal(ids.length, load.answers.length);
  });

  await t.test('what is in flight keeps the snapshot it was accepted with', async (t) => {
    const before = digestsOf(proxy.log());
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(requestText('GET', '/held'));
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    replaceFile(proxy, 'data.json', '{"version":"later"}');
    await proxy.untilLog((log) => digestsOf(log).length > before.length);
    const { client: second, answer } = await exchange(proxy.port, proxy.client, requestText('GET', '/later'));
    t.equal(answer?.status, 200);
    second.close();
    for (const response of held) response.end('at last');
    const text = await client.until((soFar) => parseAnswer(soFar) !== undefined);
    t.equal(parseAnswer(text)?.status, 200);
    client.close();
    const records = proxy.audit().filter(isExchange);
    const judgedBy = (id: string | undefined) => records.find((record) => record['id'] === id)?.['snapshot'];
    t.equal(judgedBy(parseAnswer(text)?.headers.get('x-portcullis-id')), before.at(-1));
    t.equal(judgedBy(answer?.headers.get('x-portcullis-id')), digestsOf(proxy.log()).at(-1));
    t.not(digestsOf(proxy.log()).at(-1), before.at(-1));
  });

  await t.test('SIGTERM inside a reload: a good end, nothing of the new policy, no compiler left behind', async (t) => {
    const before = digestsOf(proxy.log());
    const children = () => {
      const of = `/proc/${proxy.child.pid}/task/${proxy.child.pid}/children`;
      return readFileSync(of, 'utf8')
        .split(' ')
        .filter((pid) => pid !== '');
    };
    replaceFile(
      proxy,
      'policy/authz.rego',
      `package portcullis.authz\n\ndecision := {"allow": true, "rule": "${randomUUID()}"}\n`,
    );
    await eventually(() => children().length > 0);
    const compilers = children();
    t.equal(await proxy.stop(), 0);
    await eventually(() => !compilers.some((pid) => existsSync(`/proc/${pid}`)));
    t.same(digestsOf(proxy.log()), before);
    const reports = await verifyAudit(join(proxy.folder, 'audit'));
    t.same(
      reports.map(({ fault }) => fault),
      [undefined, undefined, undefined],
    );
    for (const { stream } of reports) {
      t.equal(proxy.audit().findLast((record) => record.stream === stream)?.type, 'audit.stop', stream);
    }
  });
});
