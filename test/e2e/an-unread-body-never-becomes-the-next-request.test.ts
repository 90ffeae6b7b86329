import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { startProxy, strangerId } from '../harness/proxy.ts';
import { startRawWorkload } from '../harness/workload.ts';

const smuggled = requestText('GET', '/smuggled');
const early = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly';
const head = (target: string, framing: string) => requestText('POST', target, [framing]);

/** CVE-2026-34441: an answer given before the body was read leaves the body on the wire. */
void test('answers that come before the body', async (t) => {
  const workload = await startRawWorkload((socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('POST /early')) socket.write(early);
    });
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const stranger = await proxy.issue(strangerId);
  const bytes = () => workload.received().reduce((sum, { length }) => sum + length, 0);
  const targets = () => proxy.audit().map(({ object }) => (object as { target?: string } | undefined)?.target);

  await t.test('denied by policy with half a body: close, and the rest is no request', async (denied) => {
    for (const framing of [`Content-Length: ${smuggled.length + 5}`, 'Transfer-Encoding: chunked']) {
      const before = bytes();
      const client = await connectRaw(proxy.port, stranger);
      client.write(`${head('/denied', framing)}5\r\nhe`);
      const text = await client.until((soFar) => soFar.includes('forbidden'));
      client.write(smuggled);
      denied.equal(await client.untilClosed(), text, 'one answer');
      denied.match(parseAnswers(text), [{ status: 403, headers: new Map([['connection', 'close']]) }]);
      denied.equal(bytes(), before, 'nothing reached the workload');
    }
  });

  await t.test('a body that goes on after the denial is drained within a bound, then reset', async (bound) => {
    const client = await connectRaw(proxy.port, stranger);
    client.write(head('/denied', 'Content-Length: 1000000'));
    await client.until((text) => text.includes('forbidden'));
    let sent = 0;
    const pump = () => {
      while (!client.socket.destroyed && client.socket.writable) {
        sent += 65_536;
        if (!client.socket.write(Buffer.alloc(65_536))) return void client.socket.once('drain', pump);
      }
    };
    pump();
    await client.untilClosed();
    // What the kernel buffers on both sides comes on top of the 256 KiB that the proxy takes.
    bound.ok(sent < 64 * 1024 * 1024, `took ${sent} bytes`);
  });

  await t.test(
    'answered by the workload before the body was read: close, and the rest is no request',
    async (answered) => {
      for (const framing of ['Content-Length: 100000', 'Transfer-Encoding: chunked']) {
        const client = await connectRaw(proxy.port, proxy.client);
        client.write(`${head('/early', framing)}5\r\nhello\r\n`);
        const text = await client.until((soFar) => soFar.endsWith('early'));
        client.write(`${smuggled}0\r\n\r\n${smuggled}`);
        answered.equal(await client.untilClosed(), text, 'one answer');
        answered.match(parseAnswers(text), [{ status: 200, headers: new Map([['connection', 'close']]) }]);
      }
    },
  );

  await t.test('a framing error behind good chunks never looks like the end of the body', async (broken) => {
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(`${head('/broken', 'Transfer-Encoding: chunked')}5\r\nhello\r\n`);
    while (!workload.received().some((data) => data.includes('POST /broken'))) await new Promise(setImmediate);
    client.write(`5;ext\r\nworld\r\n0\r\n\r\n${smuggled}`);
    await client.untilClosed();
    const received = workload.received().find((data) => data.includes('POST /broken'));
    broken.match(received?.toString(), /5\r\nhello(?:\r\n)?$/, 'the workload has a part and no end of it');
    await proxy.untilRecord(({ object }) => (object as { target?: string } | undefined)?.target === '/broken');
  });

  t.notOk(targets().includes('/smuggled'), 'no audit record names what was hidden in a body');
  t.notOk(
    workload.received().some((data) => data.includes('GET /smuggled')),
    'and the workload never saw it as a request',
  );
});
