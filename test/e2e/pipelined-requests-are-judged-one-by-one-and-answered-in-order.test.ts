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
  const send = async (text: string, halfClose = false) => {
    const before = workload.hits();
    records();
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(text);
    if (halfClose) client.socket.end();
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
    cut.same(seen.recorded, targets.slice(0, 26), 'and it is the last on record');
  });

  await t.test('nothing behind Connection: close is read (RFC 9112 section 9.6)', async (cut) => {
    const seen = await send(requestText('GET', '/a') + last + requestText('GET', '/smuggled').repeat(10));
    cut.same(seen, { statuses: [200, 200], targets: ['/a', '/last'], recorded: ['/a', '/last'] });
  });

  await t.test('a pipeline that is cut at every 13th byte is served the same', async (split) => {
    const text = requestText('POST', '/one', [], 'GET / HTTP/1.1\r\n\r\n') + requestText('GET', '/two') + last;
    for (let at = 1; at < text.length; at += 13) {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(text.slice(0, at));
      client.write(text.slice(at));
      const statuses = parseAnswers(await client.untilClosed()).map(({ status }) => status);
      split.same(statuses, [200, 200, 200], `cut at ${at}`);
    }
  });

  await t.test(
    'whole requests before the end of a half-closed connection are served, wherever it finds them',
    async (half) => {
      const six = targets.slice(0, 6);
      const text = six.map((target) => requestText('GET', target)).join('');
      // The end meets the first exchange, the turn between two, or the last: what becomes of the requests is the same.
      for (let round = 0; round < 20; round += 1) {
        const seen = await send(text, true);
        half.same(seen, { statuses: six.map(() => 200), targets: six, recorded: six });
      }
      const alone = await send(requestText('POST', '/alone', [], 'whole'), true);
      half.same(alone, { statuses: [200], targets: ['/alone'], recorded: ['/alone'] });
    },
  );

  await t.test('what is not whole when its half closes never reaches the workload', async (half) => {
    const cutBody = await send(requestText('GET', '/a') + requestText('PUT', '/b', [], 'whole').slice(0, -1), true);
    half.same(cutBody.statuses, [200]);
    half.same(cutBody.targets, ['/a']);
    half.same(cutBody.recorded, ['/a', '/b']);
    const cutHead = await send(requestText('GET', '/a') + requestText('GET', '/c').slice(0, -1), true);
    half.same(cutHead.statuses, [200]);
    half.same(cutHead.targets, ['/a']);
    half.equal(cutHead.recorded.length, 2);
    const aborted = proxy.audit().filter(({ reason }) => reason === 'client-aborted');
    half.match(aborted, [{ detail: /inside the body/ }, { detail: /before the head was read/ }]);
    half.equal(aborted.length, 2);
  });
});
