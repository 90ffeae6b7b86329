import { type Test, test } from 'tap';
import { megabyte, sha256, startHoldingWorkload } from '../harness/holding-workload.ts';
import { connectHttp2, pinged, requestFields, startHttp2Proxy } from '../harness/http2.ts';
import { frame, isType, resetStream, settings, windowUpdate } from '../harness/http2-frames.ts';
import { upload, uploadWindows } from '../harness/http2-upload.ts';
import { untilQuiet } from '../harness/process.ts';
import type { TestProxy } from '../harness/proxy.ts';

const windowBytes = 65_535;

/** RFC 9113 section 5.2: nobody sends more than the other has said that there is room for. */
void test('windows', { timeout: 120_000 }, async (t) => {
  const workload = await startHoldingWorkload(t);
  const proxy = await startHttp2Proxy(t, {
    workloadPort: workload.port,
    config: {
      limits: { keep_alive: '1m', head: '1m' },
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream', max_body: '1GiB' },
      ],
    },
  });
  const ofTarget = (target: string) =>
    proxy.audit().filter(({ object }) => (object as { readonly target?: string } | undefined)?.target === target);

  await t.test('a megabyte goes up as fast as the proxy gives room, with and without a length', async (t) => {
    for (const more of [[], [['content-length', String(megabyte.length)]]] as const) {
      const own = await connectHttp2(proxy.port, proxy.client);
      const ownWindows = uploadWindows(own);
      const stream = own.ask(requestFields('POST', '/up/large', more), 'body');
      await upload(own, ownWindows, stream, megabyte);
      t.equal((await own.untilAnswered(stream)).headers.get('x-hash'), sha256(megabyte));
      t.ok(ownWindows.room(stream) <= windowBytes, 'and no more room than is announced');
      own.close();
    }
  });

  await t.test('a megabyte comes down as far as the windows are open, and not a byte further', (t) =>
    readsSlowly(t, proxy),
  );

  await t.test('a stream whose window is shut holds up no other', async (t) => {
    const own = await connectHttp2(proxy.port, proxy.client, {
      opensWindows: false,
      opening: settings({ INITIAL_WINDOW_SIZE: 10 }),
    });
    const shut = own.ask(requestFields('GET', '/large'));
    await own.until(() => own.answer(shut).body.length === 10);
    const other = own.ask(requestFields('GET', '/other'));
    t.match(await own.untilAnswered(other), { status: 200, body: 'whole' });
    t.equal(own.answer(shut).body.length, 10);
    own.write(settings({ INITIAL_WINDOW_SIZE: 25 }));
    await own.until(() => own.answer(shut).body.length === 25);
    // RFC 9113 section 6.9.2: the window may become less than nothing, and then has to be opened that much wider.
    own.write(settings({ INITIAL_WINDOW_SIZE: 5 }), windowUpdate(shut, 20));
    await pinged(own);
    t.equal(own.answer(shut).body.length, 25);
    own.write(windowUpdate(shut, 1));
    await own.until(() => own.answer(shut).body.length === 26);
    own.write(resetStream(shut));
    await pinged(own);
    own.close();
  });

  await t.test('who sends more than there is room for is stopped', async (t) => {
    const own = await connectHttp2(proxy.port, proxy.client);
    const stream = own.ask(requestFields('POST', '/unread'), 'body');
    own.write(...Array<Buffer>(2048).fill(frame('DATA', [], stream, Buffer.alloc(16_384))));
    await own.until(() => own.answer(stream).reset !== undefined || own.goAways().length > 0);
    t.same([own.answer(stream).reset, ...own.goAways().map(({ code }) => code)], ['FLOW_CONTROL_ERROR']);
    await proxy.untilRecord(() => ofTarget('/unread').length > 0);
    const [record] = ofTarget('/unread');
    t.match(record, { reason: 'client-aborted' });
    const taken = Number(record?.['bytes_in']);
    t.ok(taken < 16 << 20, `of 32 MiB no more than the way to the workload holds: ${taken} bytes`);
    own.close();
  });

  await untilQuiet(proxy);
  t.equal(proxy.audit().filter(({ reason }) => reason === 'http2-violation').length, 0);
  t.equal(await proxy.stop(), 0);
});

async function readsSlowly(t: Test, proxy: TestProxy): Promise<void> {
  const client = await connectHttp2(proxy.port, proxy.client, { opensWindows: false });
  const streams = [client.ask(requestFields('GET', '/large')), client.ask(requestFields('GET', '/large'))] as const;
  const received = () => streams.reduce((sum, stream) => sum + client.answer(stream).body.length, 0);
  await client.until(() => received() === windowBytes);
  await pinged(client);
  t.equal(received(), windowBytes, 'the connection has a window, which all streams share');
  const [first, second] = streams;
  client.write(windowUpdate(first, megabyte.length), windowUpdate(second, megabyte.length));
  await pinged(client);
  t.equal(received(), windowBytes, 'wider windows of the streams are no room on the connection');
  client.write(windowUpdate(0, 1));
  await client.until(() => received() === windowBytes + 1);
  client.write(windowUpdate(0, 4 * megabyte.length));
  for (const stream of streams) {
    const { body, ended } = await client.untilAnswered(stream);
    t.match({ hash: sha256(Buffer.from(body, 'latin1')), ended }, { hash: sha256(megabyte), ended: true });
  }
  const turns = client.frames().filter((got) => isType(got, 'DATA') && got.payload.length > 0);
  const longest = Math.max(...turns.map(({ payload }) => payload.length));
  t.ok(longest <= 16_384, `the largest frame had ${longest} bytes`);
  const changes = turns.filter(({ stream }, index) => stream !== turns[index - 1]?.stream).length;
  t.ok(changes > 10, `they took turns: ${changes} times`);
  client.close();
}
