import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { exchangeRecords } from '../harness/new-records.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

const policy = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if {
  input.attributes.source.principal == "${clientId}"
  not startswith(input.attributes.request.http.path, "/denied")
}
`;

const last = requestText('GET', '/last', ['Connection: close']);

void test('pipelines', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, files: { 'policy/authz.rego': policy } });
  const records = exchangeRecords(proxy.folder);
  const send = async (text: string) => {
    const before = workload.hits();
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(text);
    const answers = parseAnswers(await client.untilClosed());
    return {
      statuses: answers.map(({ status }) => status),
      targets: workload
        .requests()
        .slice(before)
        .map(({ line }) => line.split(' ')[1]),
      recorded: records().map(({ object }) => (object as { target: string }).target),
    };
  };
  const targets = Array.from({ length: 50 }, (_, index) => `/request/${index}`);

  await t.test('50 requests in one write, one of them denied', async (order) => {
    const mixed = targets.with(25, '/denied/25');
    const text = mixed.map((target, index) =>
      index % 2 === 0 ? requestText('GET', target) : requestText('POST', target, [], `body of ${index}`),
    );
    const seen = await send(text.join('') + last);
    order.same(seen.statuses, [...mixed.map((target) => (target === '/denied/25' ? 403 : 200)), 200]);
    order.same(seen.targets, [...mixed.filter((target) => target !== '/denied/25'), '/last']);
    order.same(seen.recorded, [...mixed, '/last']);
  });

  await t.test('nothing behind a malformed request is read', async (cut) => {
    const text = targets.map((target, index) => requestText('GET', target, index === 25 ? ['Content-Length : 5'] : []));
    const seen = await send(text.join('') + last);
    cut.same(seen.statuses, [...Array.from({ length: 25 }, () => 200), 400]);
    cut.same(seen.targets, targets.slice(0, 25));
    cut.same(seen.recorded, [...targets.slice(0, 25), ''], 'and it is the last on record');
  });

  await t.test('nothing behind Connection: close is read (RFC 9112 section 9.6)', async (cut) => {
    const seen = await send(requestText('GET', '/a') + last + requestText('GET', '/smuggled').repeat(10));
    cut.same(seen, { statuses: [200, 200], targets: ['/a', '/last'], recorded: ['/a', '/last'] });
  });

  await t.test('a pipeline that is cut at any byte is served the same', async (split) => {
    const text = requestText('POST', '/one', [], 'GET / HTTP/1.1\r\n\r\n') + requestText('GET', '/two') + last;
    for (let at = 1; at < text.length; at += 13) {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(text.slice(0, at));
      client.write(text.slice(at));
      const statuses = parseAnswers(await client.untilClosed()).map(({ status }) => status);
      split.same(statuses, [200, 200, 200], `cut at ${at}`);
    }
  });
});
