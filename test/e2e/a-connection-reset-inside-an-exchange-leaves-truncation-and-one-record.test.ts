import type { Socket } from 'node:net';
import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy, type AuditRecord, type TestProxy } from '../harness/proxy.ts';
import { descriptors, eventually, untilQuiet } from '../harness/process.ts';
import { connectResettable } from '../harness/resettable.ts';
import { startRawWorkload } from '../harness/workload.ts';

const some = 'x'.repeat(1000);
const head = (framing: string) => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${framing}\r\n\r\n`;

const answers = {
  length: `${head('Content-Length: 9')}all of it`,
  chunks: `${head('Transfer-Encoding: chunked')}4\r\nall \r\n5\r\nof it\r\n0\r\n\r\n`,
};

/** What the workload does when a request for this target has come; a number behind it is how many bytes of the answer are sent. */
const workloadEnds: Readonly<Record<string, (socket: Socket, bytes: number) => void>> = {
  '/cut-length': (socket, bytes) => socket.end(answers.length.slice(0, bytes)),
  '/cut-chunks': (socket, bytes) => socket.end(answers.chunks.slice(0, bytes)),
  '/tear-length': (socket, bytes) => socket.write(answers.length.slice(0, bytes), () => socket.resetAndDestroy()),
  '/tear-chunks': (socket, bytes) => socket.write(answers.chunks.slice(0, bytes), () => socket.resetAndDestroy()),
  '/reset-before-head': (socket) => socket.resetAndDestroy(),
  '/close-before-head': (socket) => socket.end(),
  '/reset-in-length': (socket) => socket.write(head('Content-Length: 5000') + some, () => socket.resetAndDestroy()),
  '/close-in-length': (socket) => socket.end(head('Content-Length: 5000') + some),
  '/reset-in-chunks': (socket) =>
    socket.write(`${head('Transfer-Encoding: chunked')}3e8\r\n${some}\r\n`, () => socket.resetAndDestroy()),
  '/close-in-chunks': (socket) => socket.end(`${head('Transfer-Encoding: chunked')}3e8\r\n${some}\r\n`),
  '/close-in-chunk': (socket) => socket.end(`${head('Transfer-Encoding: chunked')}fff\r\n${some}`),
  // Never ends by itself: the client goes first.
  '/endless': (socket) => {
    socket.write(head('Transfer-Encoding: chunked'));
    const more = () => void (socket.writable && socket.write(`3e8\r\n${some}\r\n`, more));
    more();
  },
  '/silent': () => undefined,
};

function startFaultyWorkload() {
  const open = new Set<Socket>();
  const arrived = new Set<string>();
  const started = startRawWorkload((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.once('data', (chunk: Buffer) => {
      const target = chunk.toString('latin1').split(' ')[1] ?? '';
      arrived.add(target);
      workloadEnds[target.replace(/\/\d+$/, '')]?.(socket, Number(target.split('/').at(-1)));
    });
  });
  return { started, open, arrived };
}

const policy = `package portcullis.authz

decision := {"allow": true, "rule": "break-glass", "obligations": [{"type": "audit-note", "note": "used on call"}]}
`;
/** What policy wants on record of whatever it let in: nobody erases it by hanging up. */
const owed = { rule: 'break-glass', detail: /^used on call(?:; |$)/ };

const recordOf = (proxy: TestProxy, target: string): readonly AuditRecord[] =>
  proxy.audit().filter((record) => (record['object'] as { target?: string } | undefined)?.target === target);

async function resetUpload(proxy: TestProxy, target: string, arrived: ReadonlySet<string>): Promise<void> {
  const client = await connectResettable(proxy.port, proxy.client);
  client.write(`POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${some}`);
  await eventually(() => arrived.has(target));
  client.reset();
}

async function resetDownload(proxy: TestProxy, target: string): Promise<void> {
  const client = await connectResettable(proxy.port, proxy.client);
  client.write(requestText('GET', target));
  await client.until((text) => text.length > 100);
  client.reset();
}

void test('a connection that is reset or closed inside an exchange', async (t) => {
  const { started, open, arrived } = startFaultyWorkload();
  const workload = await started;
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, files: { 'policy/authz.rego': policy } });
  const baseline = descriptors(proxy);

  await t.test('by the workload before its head: 502', async (t) => {
    let hits = 0;
    for (const target of ['/reset-before-head', '/close-before-head']) {
      const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', target));
      t.equal(answer?.status, 502, target);
      t.match(JSON.parse(answer?.body ?? '{}'), { code: 'upstream-reset' });
      t.match(recordOf(proxy, target), [
        { reason: 'upstream-reset', status: 502, bytes_out: answer?.body.length, ...owed },
      ]);
      t.notMatch(answer?.body, 'used on call', 'for the record only');
      t.equal(recordOf(proxy, target).length, 1);
      t.equal(
        await proxy.metric('portcullis_requests_total{route="any",outcome="failed",code="upstream-reset"}'),
        (hits += 1),
      );
      client.close();
    }
  });

  await t.test('by the workload inside its body: never a clean end', async (t) => {
    for (const target of Object.keys(workloadEnds).filter((name) => name.includes('-in-'))) {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(requestText('GET', target));
      const text = await client.untilClosed();
      // Nothing need have been on its way yet: then there is a whole answer, and it says 502.
      const whole = parseAnswer(text);
      if (text.startsWith('HTTP/1.1 200')) {
        t.notOk(text.endsWith('0\r\n\r\n'), `${target}: no last chunk`);
        if (target.includes('length')) t.equal(whole, undefined, `${target}: shorter than its Content-Length`);
      } else t.equal(whole?.status, 502, target);
      const [record, ...more] = recordOf(proxy, target);
      t.same(more, [], `${target}: one record`);
      t.match(record?.reason, /^upstream-(reset|malformed)$/);
      if (record?.['status'] === 200) t.equal(record['aborted'], 'workload');
    }
  });

  await t.test('by the workload at each byte of its answer: whole only when it was', async (t) => {
    const isWhole = (text: string) => text.endsWith('all of it') || text.endsWith('0\r\n\r\n');
    const got = new Map<string, string>();
    const cut = async (target: string) => {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(requestText('GET', target));
      const isOver = (text: string) => isWhole(text) || parseAnswer(text)?.status === 502;
      got.set(target, await client.until(isOver).catch(() => client.text()));
      client.close();
    };
    const targets = (['length', 'chunks'] as const).flatMap((framing) =>
      Array.from(answers[framing], (_, index) => [
        `/cut-${framing}/${index + 1}`,
        // A reset may overtake the last byte.
        ...(index % 4 === 0 && index + 1 < answers[framing].length ? [`/tear-${framing}/${index + 1}`] : []),
      ]).flat(),
    );
    while (targets.length > 0) await Promise.all(targets.splice(0, 20).map(cut));
    const reasons = Map.groupBy(proxy.audit(), ({ object }) => (object as { target?: string } | undefined)?.target);
    const last = (['length', 'chunks'] as const).map((framing) => `/cut-${framing}/${answers[framing].length}`);
    const wrong = [...got].filter(([target, text]) => {
      const reason = reasons
        .get(target)
        ?.map((record) => record.reason ?? 'ok')
        .join();
      if (last.includes(target)) return !isWhole(text) || reason !== 'ok';
      const told = parseAnswer(text)?.status === 502 || (text.startsWith('HTTP/1.1 200 ') && !isWhole(text));
      return !told || !/^upstream-(?:reset|malformed)$/.test(reason ?? '');
    });
    t.same(wrong, []);
    t.ok(got.size > 200);
  });

  await t.test('by the client while it uploads', async (t) => {
    await resetUpload(proxy, '/silent/0', arrived);
    await eventually(() => recordOf(proxy, '/silent/0').length > 0);
    t.match(recordOf(proxy, '/silent/0'), [{ reason: 'client-aborted', aborted: 'client', bytes_in: 1000, ...owed }]);
    await eventually(() => open.size === 0);
  });

  await t.test('by the client while it downloads', async (t) => {
    await resetDownload(proxy, '/endless');
    await eventually(() => recordOf(proxy, '/endless').length > 0);
    t.match(recordOf(proxy, '/endless'), [{ reason: 'client-aborted', aborted: 'client', status: 200, ...owed }]);
    await eventually(() => open.size === 0);
  });

  await t.test('by the client inside its head', async (t) => {
    const client = await connectResettable(proxy.port, proxy.client);
    client.write(`${requestText('PURGE', '/first')}GET /half HTTP/1.1\r\nHost: loc`);
    t.equal(parseAnswer(await client.until((text) => parseAnswer(text) !== undefined))?.status, 405);
    client.reset();
    await eventually(() => recordOf(proxy, '/half').length > 0);
    t.match(recordOf(proxy, '/half'), [{ reason: 'client-aborted', aborted: 'client' }]);
  });

  await t.test(
    'by the client while it waits, with another request behind: the workload hears of the first alone',
    async (t) => {
      const client = await connectResettable(proxy.port, proxy.client);
      client.write(requestText('GET', '/silent/waiting') + requestText('GET', '/silent/behind'));
      await eventually(() => arrived.has('/silent/waiting'));
      client.reset();
      await eventually(() => recordOf(proxy, '/silent/waiting').length > 0);
      t.match(recordOf(proxy, '/silent/waiting'), [{ reason: 'client-aborted', aborted: 'client', status: undefined }]);
      await eventually(() => open.size === 0);
      t.equal(arrived.has('/silent/behind'), false);
      t.same(recordOf(proxy, '/silent/behind'), []);
    },
  );

  await t.test('200 of these leave nothing behind', async (t) => {
    const exchanges = () => proxy.audit().filter((record) => record['object'] !== undefined).length;
    const before = exchanges();
    for (let round = 0; round < 10; round += 1) {
      const ends = Object.keys(workloadEnds).filter((name) => /-(?:in|before)-/.test(name));
      await Promise.all([
        ...ends.map(async (target) => {
          const client = await connectRaw(proxy.port, proxy.client);
          client.write(requestText('GET', target));
          await client.until((text) => parseAnswer(text) !== undefined).catch(() => undefined);
          client.close();
        }),
        ...Array.from({ length: 7 }, (_, index) => resetUpload(proxy, `/silent/${round * 7 + index + 1}`, arrived)),
        ...Array.from({ length: 6 }, () => resetDownload(proxy, '/endless')),
      ]);
    }
    await untilQuiet(proxy);
    await eventually(() => open.size === 0);
    t.equal(exchanges(), before + 200, 'one record each');
    await eventually(() => descriptors(proxy) <= baseline);
    t.match(recordOf(proxy, '/silent/70'), [{ reason: 'client-aborted', aborted: 'client' }]);
    t.notMatch(proxy.log(), /thread\.replaced|exchange\.bug/);
  });
  t.equal(await proxy.stop(), 0);
});
