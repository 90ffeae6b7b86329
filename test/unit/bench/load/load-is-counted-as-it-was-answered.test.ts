import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'tap';
import { type Generator, startGenerator } from '../../../../bench/load/generator.ts';
import { TargetLost } from '../../../../bench/load/pool.ts';
import type { Target } from '../../../../bench/load/target.ts';
import { decodeHistogram } from '../../../../bench/statistics/histogram.ts';
import { newFolder } from '../../../harness/proxy.ts';

type Test = { readonly teardown: (task: () => unknown) => unknown };

function generator(t: Test): Generator {
  const made = startGenerator();
  t.teardown(made.close);
  return made;
}

async function serve(
  t: Test,
  listener: RequestListener,
): Promise<{ readonly target: Target; readonly stop: () => void }> {
  const server = createServer(listener);
  server.keepAliveTimeout = 60_000;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  t.teardown(stop);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port } as const;
  return { target, stop };
}

async function serveRaw(t: Test, connected: (socket: Socket) => void): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    connected(socket);
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const get = { method: 'GET', path: '/' };

test('every request is answered as expected or failed for a reason that is counted', async (t) => {
  const seen = new Set<string>();
  const { target } = await serve(t, (request, response) => {
    seen.add(`${request.method} ${request.url}`);
    response.statusCode = request.url === '/teapot' ? 418 : 200;
    request.resume().on('end', () => response.end('ok'));
  });
  const connections = await generator(t).connect(target, 4);
  const requests = [get, { method: 'POST', path: '/teapot', body: 'x' }, { ...get, path: '/teapot', expect: 418 }];
  const outcome = await connections.closedLoop(requests, { requests: 30 });
  t.match(outcome, { answered: 20, failed: 10, failures: { 'status 418': 10 }, lost: undefined });
  t.equal(decodeHistogram(outcome.latencies).count(), 20, 'what failed has no latency');
  t.same(seen, new Set(['GET /', 'POST /teapot', 'GET /teapot']), 'requests take turns');
});

test('answers of every framing and size end where they end, bodies of every size arrive whole', async (t) => {
  const received: number[] = [];
  const { target } = await serve(t, (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      received.push(bytes);
      if (request.url === '/chunked') {
        response.write('x'.repeat(70_000));
        response.end('y'.repeat(5));
      } else if (request.url === '/none') response.writeHead(204).end();
      else response.end('z'.repeat(bytes));
    });
  });
  const connections = await generator(t).connect(target, 1);
  const sizes = [1, 1024, 64 * 1024, 1024 * 1024];
  const requests = [
    ...sizes.map((size) => ({ method: 'POST', path: '/', body: Buffer.alloc(size, 'b') })),
    { ...get, path: '/chunked' },
    { ...get, path: '/none', expect: 204 },
    { method: 'HEAD', path: '/chunked' },
  ];
  const outcome = await connections.closedLoop(requests, { requests: requests.length * 2 });
  t.match(outcome, { answered: 14, failed: 0 });
  t.same(received.slice(0, 7), [...sizes, 0, 0, 0]);
});

test('an answer that comes byte by byte is one answer', async (t) => {
  const bytes = Buffer.from(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: 1\r\n\r\n',
  );
  const target = await serveRaw(t, (socket) => {
    const next = (at: number) => {
      if (at < bytes.length) socket.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
    };
    socket.setNoDelay(true).on('data', () => next(0));
  });
  const connections = await generator(t).connect(target, 1);
  t.match(await connections.closedLoop([get], { requests: 3 }), { answered: 3, failed: 0, lost: undefined });
});

test('a stall is paid by every request that was due in it', async (t) => {
  const stallMs = 1000;
  let number = 0;
  const { target } = await serve(t, (_, response) => {
    number += 1;
    if (number === 5) setTimeout(() => response.end('late'), stallMs);
    else response.end('ok');
  });
  const connections = await generator(t).connect(target, 1);
  const rate = { ratePerSecond: 50, seconds: 4, lagBoundMs: 60_000 };
  const outcome = await connections.openLoop([get], rate);
  // Long enough after the stall for what was due in it to be answered on a machine that stands still for a while, too.
  t.match(outcome, { answered: 200, failed: 0, unreached: undefined });
  // Fifty of the two hundred were due while one was answered. Counted from when they were sent, that one alone would be late.
  const late = decodeHistogram(outcome.latencies).at(0.9) / 1000;
  t.ok(late > stallMs / 2, `a tenth of all waited longer than half of the stall: ${late} ms`);
});

test('a rate that cannot be made yields no latencies, and says why', async (t) => {
  const { target } = await serve(t, (_, response) => setTimeout(() => response.end('ok'), 20));
  const connections = await generator(t).connect(target, 2);
  const tooMuch = await connections.openLoop([get], { ratePerSecond: 2000, seconds: 0.5, lagBoundMs: 60_000 });
  t.match(tooMuch.unreached, /^2000 requests\/s is more than the target answers on these connections: \d+ % /);
  const late = await connections.openLoop([get], { ratePerSecond: 10, seconds: 0.5, lagBoundMs: 0 });
  t.match(late.unreached, /^the generator itself cannot make 10 requests\/s: one in a hundred left /);
  for (const { latencies } of [tooMuch, late]) t.equal(decodeHistogram(latencies).count(), 0);
});

test('a target that is not there, or goes away, is said to be lost', async (t) => {
  const folder = newFolder(t);
  const nobody: Target = { kind: 'unix', path: join(folder, 'nobody.sock') };
  const load = generator(t);
  await t.rejects(load.connect(nobody, 3), new TargetLost(`unix:${nobody.path}: ENOENT`));

  let answered = 0;
  const dies = await serve(t, (_, response) => {
    answered += 1;
    if (answered === 50) dies.stop();
    else response.end('ok');
  });
  const connections = await load.connect(dies.target, 4);
  const outcome = await connections.closedLoop([get], { seconds: 60 });
  // Refused, or cut off inside the handshake: whichever its last connection met.
  t.match(outcome.lost, /^ECONN(REFUSED|RESET)$/);
  t.equal(outcome.answered + outcome.failed >= 50, true);
  t.ok(outcome.failed >= 1, 'what was under way failed');
});

test('a target that hangs up at the first request has refused, and bytes that are no answer are said to be none', async (t) => {
  const load = generator(t);
  const refuses = await serveRaw(t, (socket) => socket.on('data', () => socket.destroy()));
  const refused = await (await load.connect(refuses, 1)).closedLoop([get], { seconds: 60 });
  t.match(refused, { answered: 0, failed: 1, lost: /ECONNRESET|the connection was closed/ });
  const babbles = await serveRaw(t, (socket) => socket.on('data', () => socket.write('hello\r\n\r\n')));
  const babbled = await (await load.connect(babbles, 1)).closedLoop([get], { seconds: 60 });
  t.match(babbled, { answered: 0, failed: 1, lost: 'what came is no HTTP/1.1 answer' });
});

test('a connection that its target ends after an answer is opened again, and nothing failed', async (t) => {
  let connections = 0;
  const target = await serveRaw(t, (socket) => {
    connections += 1;
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
  });
  const pool = await generator(t).connect(target, 2);
  t.match(await pool.closedLoop([get], { requests: 20 }), { answered: 20, failed: 0, lost: undefined });
  t.ok(connections >= 20);
});

test('new connections are one for each request; idle ones are held, and told from those that were closed', async (t) => {
  const opened: Socket[] = [];
  const target = await serveRaw(t, (socket) => {
    opened.push(socket);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  });
  const load = generator(t);
  t.match(await load.newConnections(target, [get], { atOnce: 3, requests: 12 }), { answered: 12, failed: 0 });
  t.equal(opened.length, 12);
  const idle = await load.connect(target, 40);
  t.equal(await idle.alive(), 40);
  for (const socket of opened.slice(-10)) socket.destroy();
  while ((await idle.alive()) > 30);
  t.equal(await idle.alive(), 30);
  const all = await idle.closedLoop([get], { requests: 200 });
  t.match(all, { answered: 200, failed: 0, lost: undefined }, 'a run opens again what was closed');
  t.equal(await idle.alive(), 40);
});
