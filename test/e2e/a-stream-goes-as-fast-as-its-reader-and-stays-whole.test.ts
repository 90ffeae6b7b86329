import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'tap';
import { connectRaw, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { residentBytes, untilQuiet } from '../harness/process.ts';

const totalBytes = 200 << 20;
const piece = randomBytes(1 << 20);
const rounds = totalBytes / piece.length;
/** A proxy that buffers would need the whole; what it needs now is the same for 800 MiB. */
const growthBytes = totalBytes / 2;

const expected = createHash('sha256');
for (let round = 0; round < rounds; round += 1) expected.update(piece);
const digest = expected.digest('hex');

/** Hashes uploads, sends downloads of the same bytes; reads and writes only as fast as it can. */
async function startStreamWorkload() {
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url === '/json') {
        const text = JSON.stringify({ text: 'x'.repeat(30_000_000) });
        response.setHeader('content-type', 'application/json').end(text);
        return;
      }
      if (request.method === 'GET') {
        for (let round = 0; round < rounds; round += 1) if (!response.write(piece)) await once(response, 'drain');
        response.end();
        return;
      }
      const hash = createHash('sha256');
      let read = 0;
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
        // Slower than the client for the first part, so that everything between them fills.
        if ((read += (chunk as Buffer).length) < 16 << 20) await wait(1);
      }
      response.end(hash.digest('hex'));
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** The most the process occupied while the task ran, beyond what it did before. */
async function growth(proxy: TestProxy, task: () => Promise<void>): Promise<number> {
  const before = residentBytes(proxy);
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, residentBytes(proxy))), 20);
  await task();
  clearInterval(timer);
  return most - before;
}

void test('streams', async (t) => {
  const { server, port } = await startStreamWorkload();
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const schema = { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false };
  const proxy = await startProxy(t, {
    workloadPort: port,
    files: { 'text.json': JSON.stringify(schema) },
    config: {
      workload: { address: `127.0.0.1:${port}`, max_response: '1GiB' },
      // Judging 30 MB holds the thread for half a second, and longer on a busy machine.
      limits: { keep_alive: '500ms', write_idle: '20s', stall: '20s' },
      routes: [
        { name: 'down', methods: ['GET'], path: '/down', timeout: '2m' },
        { name: 'up', methods: ['POST'], path: '/up', body: 'stream', max_body: '1GiB', timeout: '2m' },
        {
          name: 'json',
          methods: ['GET'],
          path: '/json',
          response: { 'application/json': './text.json' },
          max_response: '64MiB',
        },
      ],
    },
  });
  // Once, so that what every process allocates when it begins to work is not counted.
  const warm = await connectRaw(proxy.port, proxy.client);
  warm.write(requestText('GET', '/nothing'));
  await warm.until((text) => text.includes('no-route'));
  warm.close();

  await t.test('down, to a reader that stops and goes on: flat memory, the same bytes', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    const hash = createHash('sha256');
    const { socket } = client;
    socket.removeAllListeners('data');
    const grown = await growth(proxy, async () => {
      client.write(requestText('GET', '/down', ['Connection: close']));
      hash.update(await dechunked(socket));
    });
    t.equal(hash.digest('hex'), digest);
    t.ok(grown < growthBytes, `${Math.round(grown / 2 ** 20)} MiB more`);
  });

  await t.test('up, to a workload that reads slowly: flat memory, the same bytes', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    const grown = await growth(proxy, async () => {
      client.write(`POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${totalBytes}\r\n\r\n`);
      for (let round = 0; round < rounds; round += 1) {
        if (!client.socket.write(piece)) await once(client.socket, 'drain');
      }
      await client.until((text) => text.includes(digest));
    });
    t.ok(grown < growthBytes, `${Math.round(grown / 2 ** 20)} MiB more`);
    client.close();
  });

  await t.test('a whole answer is not cut while its reader still takes it, however long that is', async (t) => {
    for (const connection of ['close', 'keep-alive']) {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(requestText('GET', '/json', [`Connection: ${connection}`]));
      await client.until((text) => text.length > 0);
      // Longer than keep_alive and than the time for lingering, shorter than write_idle.
      client.socket.pause();
      await wait(2500);
      client.socket.resume();
      const text = await client.until((soFar) => soFar.length > 30_000_000).catch(() => client.text());
      t.ok(text.endsWith('x"}'), `${connection}: ${text.length} bytes came`);
      client.close();
    }
  });
  await untilQuiet(proxy);
  t.equal(await proxy.stop(), 0);
});

/** The body of a chunked answer that ends with its connection, read in fits and starts. */
async function* pieces(socket: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let count = 0;
  for await (const text of socket) {
    if (++count % 500 === 0) await wait(20);
    yield Buffer.from(text, 'latin1');
  }
}

async function dechunked(socket: AsyncIterable<string>): Promise<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  let head = true;
  let left = 0;
  const body = Buffer.allocUnsafe(totalBytes);
  let at = 0;
  for await (const bytes of pieces(socket)) {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    for (;;) {
      if (head) {
        const end = pending.indexOf('\r\n\r\n');
        if (end === -1) break;
        head = false;
        pending = pending.subarray(end + 2);
      }
      if (left === 0) {
        const end = pending.indexOf('\r\n', 2);
        if (end === -1) break;
        left = Number.parseInt(pending.toString('latin1', 2, end), 16);
        if (left === 0) return body.subarray(0, at);
        pending = pending.subarray(end + 2);
      }
      const taken = Math.min(left, pending.length);
      if (taken === 0) break;
      at += pending.copy(body, at, 0, taken);
      pending = pending.subarray(taken);
      left -= taken;
    }
  }
  throw new Error(`the answer ended without its last chunk, after ${at} bytes`);
}
