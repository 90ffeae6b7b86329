import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Test, test } from 'tap';
import { connectRaw } from '../harness/client.ts';
import { exchangeRecords } from '../harness/new-records.ts';
import { type AuditRecord, startProxy } from '../harness/proxy.ts';
import { startRawWorkload } from '../harness/workload.ts';
import { type HostileAnswer, hostileAnswers } from '../harness/hostile-answers.ts';

/**
 * CVE-2026-6733, CVE-2026-48931, CVE-2026-34441. There is one connection to the workload, so that what one answer leaves
 * behind would be read by the next request.
 */
const ok = 'HTTP/1.1 200 OK\r\n';
/** The last connection that the proxy opened to the workload. */
let upstream: Socket | undefined;

function respond(socket: Socket, target: string): void {
  upstream = socket;
  const row = hostileAnswers[Number(/^\/row\/([0-9]+)$/.exec(target)?.[1] ?? -1)];
  if (target === '/part/length') socket.write(`${ok}content-length: 9\r\n\r\npart`);
  else if (target === '/part/chunked') socket.write(`${ok}transfer-encoding: chunked\r\n\r\n4\r\npart\r\n`);
  else if (typeof row?.answer === 'function') row.answer(socket);
  else socket.write(row?.answer ?? `${ok}content-length: 4\r\n\r\nnext`, 'latin1');
}

void test('a hostile workload', async (t) => {
  const workload = await startRawWorkload((socket) => {
    socket.on('data', (chunk: Buffer) => respond(socket, chunk.toString('latin1').split(' ')[1] ?? ''));
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { workload: { address: `127.0.0.1:${workload.port}`, max_connections: 1 } },
  });
  const records = exchangeRecords(proxy.folder);
  const start = async (method: string, target: string) => {
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    return client;
  };
  const ask = async (method: string, target: string) => (await start(method, target)).untilClosed();

  await t.test('each answer is judged alone', async (table) => {
    for (const [index, row] of hostileAnswers.entries()) {
      const text = await ask(row.method ?? 'GET', `/row/${index}`);
      const [record, ...more] = records();
      table.equal(more.length, 0, 'one record');
      check(table, row, text, record);
      table.match(await ask('GET', '/next'), /\r\n\r\nnext$/, `${row.name}: the next request has its own answer`);
      records();
    }
  });

  await t.test('an answer that breaks off in the hands of the client does not end cleanly', async (table) => {
    for (const target of ['/part/length', '/part/chunked']) {
      for (const end of [(socket?: Socket) => socket?.end(), (socket?: Socket) => socket?.resetAndDestroy()]) {
        const client = await start('GET', target);
        await client.until((text) => text.includes('part'));
        end(upstream);
        const text = await client.untilClosed();
        table.match(text, target === '/part/length' ? /content-length: 9\r\n[^]*part$/ : /4\r\npart\r\n$/, target);
        table.match(records(), [{ reason: 'upstream-reset', status: 200, aborted: 'workload' }], `${target}: recorded`);
      }
    }
  });

  await t.test('an answer pushed when nobody waits is read by nobody', async (table) => {
    for (let round = 0; round < 3; round += 1) {
      await ask('GET', '/next');
      const idle = upstream;
      idle?.write(`${ok}content-length: 6\r\n\r\nPUSHED`);
      if (idle !== undefined && !idle.destroyed) await once(idle, 'close');
      table.match(await ask('GET', '/next'), /\r\n\r\nnext$/, 'its own answer, on a new connection');
      table.not(upstream, idle);
    }
  });
});

function check(t: Test, { name, wanted }: HostileAnswer, text: string, record: AuditRecord | undefined): void {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  // A part that the proxy still held when the rest failed to come was never sent: then there is a whole refusal.
  if (wanted === 'cut' && head.startsWith('HTTP/1.1 200 ')) {
    t.match(record, { reason: /^upstream-/, aborted: 'workload' }, `${name}: recorded`);
    const declared = /content-length: ([0-9]+)/.exec(head)?.[1];
    if (declared === undefined) t.notMatch(body, /0\r\n\r\n$/, `${name}: no last chunk`);
    else t.ok(body.length < Number(declared), `${name}: less than declared`);
  } else if (wanted === 'cut' || 'code' in wanted) {
    const { code } = wanted === 'cut' ? { code: /^upstream-(reset|malformed)$/ } : wanted;
    t.match(head, /^HTTP\/1\.1 502 [^]*connection: close$/, `${name}: refused`);
    t.match(JSON.parse(body), { code }, `${name}: refused with its code`);
    t.match(record, { reason: code, status: 502 }, `${name}: recorded`);
  } else {
    t.match(head, new RegExp(`^HTTP/1\\.1 ${wanted.status} `), name);
    t.equal(body, wanted.body, `${name}: body`);
    for (const line of wanted.has ?? []) t.ok(head.split('\r\n').includes(line), `${name}: has ${line}`);
    t.notMatch(head, wanted.not ?? /\0/, `${name}: has nothing else`);
    t.match(record, { reason: undefined, status: wanted.status }, `${name}: recorded`);
  }
}
