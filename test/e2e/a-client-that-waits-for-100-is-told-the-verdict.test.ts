import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { startProxy, strangerId } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

const expecting = (method: string, target: string, length: number) =>
  requestText(method, target, ['Expect: 100-continue', `Content-Length: ${length}`]);

/** CVE-2025-55702: a body that was announced and refused must not be waited for, nor read as the next request. */
void test('Expect: 100-continue with the body withheld', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const stranger = await proxy.issue(strangerId);

  await t.test('allowed: 100, then the body, forwarded without Expect', async (allowed) => {
    for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(requestText('POST', '/upload', ['Expect: 100-continue', framing, 'Connection: close']));
      await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
      client.write(framing.startsWith('C') ? 'hello' : '5\r\nhello\r\n0\r\n\r\n');
      const answers = parseAnswers(await client.untilClosed());
      allowed.same(
        answers.map(({ status }) => status),
        [100, 200],
      );
      const request = workload.requests().at(-1);
      allowed.match(request, { line: 'POST /upload HTTP/1.1', body: 'hello' });
      allowed.notMatch(request?.headers.join('\n'), /expect/i);
    }
  });

  const refusals = [
    { why: 'policy', credential: stranger, method: 'POST', length: 5, status: 403, code: 'forbidden' },
    {
      why: 'no body is declared',
      credential: proxy.client,
      method: 'GET',
      length: 5,
      status: 400,
      code: 'unexpected-body',
    },
    { why: 'method', credential: proxy.client, method: 'PURGE', length: 5, status: 405, code: 'method-not-allowed' },
    { why: 'size', credential: proxy.client, method: 'POST', length: 1 << 21, status: 413, code: 'body-too-large' },
  ];
  for (const { why, credential, method, length, status, code } of refusals) {
    await t.test(`refused for its ${why}: the final status, no 100, and the connection ends`, async (refused) => {
      const before = workload.bytes();
      const client = await connectRaw(proxy.port, credential);
      client.write(expecting(method, '/upload', length));
      const text = await client.until((soFar) => soFar.includes(code));
      // The client sends its body nevertheless, as RFC 9110 section 10.1.1 lets it: it is a request to nobody.
      client.write('GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n');
      refused.equal(await client.untilClosed(), text, 'one answer');
      const [answer] = parseAnswers(text);
      refused.match(answer, { status, headers: new Map([['connection', 'close']]) });
      refused.equal(workload.bytes(), before, 'nothing reached the workload');
      await proxy.untilRecord(
        ({ reason, object }) => reason === code && (object as { method: string }).method === method,
      );
    });
  }
  t.notOk(proxy.audit().some(({ object }) => (object as { target?: string } | undefined)?.target === '/smuggled'));
});
