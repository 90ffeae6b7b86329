import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy } from '../harness/proxy.ts';
import { startRawWorkload } from '../harness/workload.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

void test('a workload that hangs, and a client that has probably left', async (t) => {
  const hanging = Promise.withResolvers<Socket>();
  const workload = await startRawWorkload((socket) => {
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1').startsWith('GET /hang')) hanging.resolve(socket);
      else socket.write(ok);
    });
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      // Nothing else would end the exchange within this test.
      routes: [{ name: 'any', methods: ['GET'], path: '/{rest...}', timeout: '1h' }],
      workload: { address: `127.0.0.1:${workload.port}`, headers_timeout: '10m', body_timeout: '10m' },
      limits: { max_in_flight_per_identity: 1 },
    },
  });
  const status = async () => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/other'));
    client.close();
    return answer?.status;
  };

  const leaving = await connectRaw(proxy.port, proxy.client);
  leaving.write(requestText('GET', '/hang'));
  const socket = await hanging.promise;
  t.equal(await status(), 429, 'while it waits its lease is taken');
  const given = once(socket, 'close');
  leaving.socket.end();
  t.equal(await leaving.untilClosed(), '', 'there was no answer');
  await given;
  await eventually(async () => (await status()) === 200);
  const record = await proxy.untilRecord(({ object }) => (object as { target?: string })?.target === '/hang');
  t.match(record, { type: 'client.abort', reason: 'client-aborted', aborted: 'client' });
  t.ok(Number(record['dur_us']) >= 2_000_000, 'not before it had its two seconds');

  const waiting = await connectRaw(proxy.port, proxy.client);
  waiting.socket.end(requestText('GET', '/quick'));
  t.match(parseAnswer(await waiting.untilClosed()), { status: 200, body: 'ok' }, 'who still waits is answered');
  t.equal(await proxy.stop(), 0);
});
