import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { type AuditRecord, newFolder, startProxy, type TestProxy } from '../harness/proxy.ts';
import { eventually } from '../harness/process.ts';
import { startRawWorkload } from '../harness/workload.ts';

const ok = (body: string, more = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

type Fault = {
  readonly target: string;
  readonly request?: string;
  readonly answer: (socket: Socket) => unknown;
  readonly status: number;
  readonly code: string;
  /** The head of the workload's answer had left before its fault showed: the client sees it cut short. */
  readonly cut?: true;
};

const says = (text: string) => (socket: Socket) => socket.write(Buffer.from(text, 'latin1'));
const malformed = { status: 502, code: 'upstream-malformed' } as const;

const faults: readonly Fault[] = [
  { target: '/hangs', answer: () => undefined, status: 504, code: 'upstream-timeout' },
  { target: '/no-http', answer: says('SSH-2.0-OpenSSH_9.2\r\n\r\n'), ...malformed },
  { target: '/noise', answer: says('\x00\xff\x16\x03\x01 garbage\r\n\r\n'), ...malformed },
  { target: '/status-999', answer: says('HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'), ...malformed },
  { target: '/status-1', answer: says('HTTP/1.1 1 What\r\nContent-Length: 0\r\n\r\n'), ...malformed },
  {
    target: '/two-lengths',
    answer: says('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    ...malformed,
  },
  {
    target: '/length-and-chunked',
    answer: says('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ...malformed,
  },
  {
    target: '/gzip-chunked',
    answer: says('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
    ...malformed,
  },
  { target: '/no-framing', answer: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nends somewhere'), ...malformed },
  { target: '/folded', answer: says('HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n'), ...malformed },
  {
    target: '/endless-interim',
    answer: says('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50) + ok('late')),
    ...malformed,
  },
  {
    target: '/switches',
    answer: says('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ...malformed,
  },
  {
    target: '/huge-head',
    answer: says(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`),
    ...malformed,
  },
  {
    target: '/declares-too-much',
    answer: says('HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n'),
    status: 502,
    code: 'upstream-too-large',
  },
  {
    target: '/sends-too-much',
    answer: says(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`2710\r\n${'x'.repeat(10_000)}\r\n`.repeat(20)}0\r\n\r\n`,
    ),
    status: 200,
    code: 'upstream-too-large',
    cut: true,
  },
  {
    target: '/stops',
    answer: says('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
    status: 200,
    code: 'upstream-timeout',
    cut: true,
  },
  {
    target: '/bad-chunk',
    answer: says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'),
    status: 200,
    code: 'upstream-malformed',
    cut: true,
  },
];

const recordsOf = (proxy: TestProxy, target: string): readonly AuditRecord[] =>
  proxy.audit().filter((record) => (record['object'] as { target?: string } | undefined)?.target === target);

void test('a workload that fails', async (t) => {
  const arrived: string[] = [];
  const workload = await startRawWorkload((socket) => {
    socket.on('data', (chunk: Buffer) => {
      const target = / (\/\S*) HTTP/.exec(chunk.toString('latin1'))?.[1];
      if (target === undefined) return;
      arrived.push(target);
      const fault = faults.find((candidate) => candidate.target === target);
      if (fault !== undefined) fault.answer(socket);
      else if (target === '/early') socket.write(ok('too early'));
      else if (target === '/closes-behind') socket.end(ok('bye'));
      else if (target === '/poisons') socket.write(ok('first') + ok('POISON'));
      else socket.write(ok('fine'));
    });
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      workload: { address: `127.0.0.1:${workload.port}`, max_response: '100000B' },
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        // Only who waits for the limit has a short one: the others are answered, however busy this machine is.
        ...['hangs', 'stops'].map((name) => ({ name, methods: ['GET'], path: `/${name}`, timeout: '1500ms' })),
        { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream', max_body: '1GiB' },
        { name: 'late', methods: ['POST'], path: '/late', timeout: '10ms', body: { 'application/json': './any.json' } },
      ],
    },
    files: { 'any.json': 'true' },
  });

  for (const { target, status, code, cut } of faults) {
    await t.test(target, async (t) => {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(requestText('GET', target));
      const text = cut ? await client.untilClosed() : await client.until((soFar) => parseAnswer(soFar) !== undefined);
      const answer = parseAnswer(text);
      if (cut && !text.startsWith('HTTP/1.1 502')) {
        t.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
        t.notOk(text.endsWith('0\r\n\r\n') || (text.includes('content-length') && answer !== undefined), 'cut short');
      } else {
        t.equal(answer?.status, cut ? 502 : status);
        t.match(JSON.parse(answer?.body ?? '{}'), { code });
      }
      await eventually(() => recordsOf(proxy, target).length > 0);
      t.match(recordsOf(proxy, target), [{ reason: code }]);
      t.equal(recordsOf(proxy, target).length, 1);
      t.equal(arrived.filter((seen) => seen === target).length, 1, 'it was asked once');
      client.close();
      const next = await exchange(proxy.port, proxy.client, requestText('GET', '/next'));
      t.equal(next.answer?.body, 'fine', 'the next exchange is its own');
      next.client.close();
    });
  }

  await t.test('a body that is whole when the time of its route is over does not reach it', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    const more = ['Content-Type: application/json', 'Expect: 100-continue'];
    client.write(requestText('POST', '/late', more, '"x"').slice(0, -3));
    await client.until((text) => text.includes('100 Continue'));
    // Our clock: its time is longer, and began later.
    const clock = await exchange(proxy.port, proxy.client, requestText('GET', '/hangs'));
    t.equal(clock.answer?.status, 504);
    clock.client.close();
    client.write('"x"');
    const text = await client.untilClosed();
    t.match(parseAnswer(text.slice(text.indexOf('HTTP/1.1 4'))), { status: 408, body: /"request-timeout"/ });
    t.match(recordsOf(proxy, '/late'), [{ reason: 'request-timeout', dst: undefined }]);
    t.notOk(arrived.includes('/late'));
  });

  await t.test('a second answer on one connection is nobody’s', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const first = await exchange(proxy.port, proxy.client, requestText('GET', '/poisons'));
      t.match(first.answer, { status: 200, body: 'first' });
      const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/next'));
      t.notMatch(answer?.body, 'POISON');
      first.client.close();
      client.close();
    }
  });

  await t.test('an answer before the body has come ends both connections, and nothing is read on', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(
      'POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nGET /smuggled HTTP/1.1\r\n',
    );
    const text = await client.until((soFar) => parseAnswer(soFar) !== undefined);
    t.match(parseAnswer(text), { status: 200, body: 'too early' });
    t.match(parseAnswer(text)?.headers.get('connection'), 'close');
    client.write('Host: localhost\r\n\r\n');
    await client.untilClosed();
    t.notOk(arrived.includes('/smuggled'));
    t.equal(recordsOf(proxy, '/early').length, 1);
  });

  await t.test('a connection that it closes while idle costs at most one 502, and nothing is sent twice', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    for (let round = 1; round <= 30; round += 1) {
      const before = arrived.length;
      const seen = client.text().length;
      client.write(requestText('GET', '/closes-behind'));
      const text = await client.until((soFar) => parseAnswer(soFar.slice(seen)) !== undefined);
      const { status } = parseAnswer(text.slice(seen)) ?? {};
      t.ok(status === 200 || status === 502, `answered ${status}`);
      t.ok(arrived.length - before <= 1, 'asked at most once');
      if (status === 200) t.equal(arrived.length - before, 1);
      if (text.slice(seen).includes('connection: close')) break;
    }
    client.close();
  });
  t.notMatch(proxy.log(), /thread\.replaced|exchange\.bug/);
  t.equal(await proxy.stop(), 0);
});

void test('a workload that is not there: 502, and it is served as soon as it is', async (t) => {
  const folder = newFolder(t);
  const path = join(folder, 'w.sock');
  const proxy = await startProxy(t, { workloadPort: 1, folder, config: { workload: `unix:${path}` } });
  const down = await exchange(proxy.port, proxy.client, requestText('GET', '/down'));
  t.equal(down.answer?.status, 502);
  t.match(JSON.parse(down.answer?.body ?? '{}'), { code: 'upstream-unreachable' });
  t.match(recordsOf(proxy, '/down'), [{ reason: 'upstream-unreachable', status: 502 }]);

  const server = createServer((request, response) => response.end(request.url)).listen(path);
  await once(server, 'listening');
  t.teardown(() => closed(server));
  const up = await exchange(proxy.port, proxy.client, requestText('GET', '/up'));
  t.match(up.answer, { status: 200, body: '/up' }, 'through a unix socket');
  t.match(recordsOf(proxy, '/up'), [{ type: 'authz.allow', dst: { path } }]);
  down.client.close();
  up.client.close();
  t.equal(await proxy.stop(), 0);
});

function closed(server: Server): void {
  server.closeAllConnections();
  server.close();
}

void test('a workload that does not take connections: 502 when the time to connect is over', async (t) => {
  // A full backlog of a process that stands still: the system no longer answers those who knock.
  const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    process.send(this.address().port, () => process.kill(process.pid, 'SIGSTOP'));
  })`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  await eventually(() => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')));
  const knocking = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  t.teardown(() => knocking.forEach((socket) => socket.destroy()));
  await eventually(() => knocking.some(({ readyState }) => readyState === 'open'));

  const address = `127.0.0.1:${port}`;
  const proxy = await startProxy(t, {
    workloadPort: port,
    config: { workload: { address, connect_timeout: '300ms' } },
  });
  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/knock'));
  t.equal(answer?.status, 502);
  t.match(JSON.parse(answer?.body ?? '{}'), { code: 'upstream-unreachable' });
  t.match(recordsOf(proxy, '/knock'), [
    { reason: 'upstream-unreachable', detail: /did not take the connection in time/ },
  ]);
  client.close();
  t.equal(await proxy.stop(), 0);
});
