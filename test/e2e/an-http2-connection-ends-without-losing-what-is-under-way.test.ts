import { once } from 'node:events';
import { test } from 'tap';
import { megabyte, sha256, startHoldingWorkload } from '../harness/holding-workload.ts';
import { askHttp2, connectHttp2, type Http2Client, requestFields, startHttp2Proxy } from '../harness/http2.ts';
import { frame } from '../harness/http2-frames.ts';
import { upload, uploadWindows } from '../harness/http2-upload.ts';
import { untilExpired } from '../harness/lifetime.ts';
import { eventually } from '../harness/process.ts';
import type { TestProxy } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';

const body = megabyte.subarray(0, 300_000);

const noError = (client: Http2Client) => client.goAways().every(({ code }) => code === 'NO_ERROR');
const endsOf = (proxy: TestProxy) => proxy.audit().filter(({ type }) => type === 'tls.end');

void test('SIGTERM: the client is told twice, what it has asked is answered, and nothing is begun behind', async (t) => {
  const workload = await startHoldingWorkload(t);
  const proxy = await startHttp2Proxy(t, {
    workloadPort: workload.port,
    config: { limits: { keep_alive: '9m', head: '1m' }, drain: '60s' },
  });
  const idle = await connectHttp2(proxy.port, proxy.client);
  t.equal((await askHttp2(idle, requestFields('GET', '/quick'))).status, 200);
  const client = await connectHttp2(proxy.port, proxy.client);
  const waiting = client.ask(requestFields('GET', '/wait'));
  const streaming = client.ask(requestFields('GET', '/stream'));
  const uploading = client.ask(requestFields('POST', '/up'), 'body');
  const windows = uploadWindows(client);
  const begunWith = body.subarray(0, 1000);
  client.write(frame('DATA', [], uploading, begunWith));
  windows.sent(uploading, begunWith.length);
  await client.until(() => client.answer(streaming).body === 'begin ');
  await eventually(() => workload.waiting.size === 2 && workload.begun.includes('/up'));

  proxy.child.kill('SIGTERM');
  await client.until(() => client.goAways().length === 1);
  t.match(client.goAways(), [{ code: 'NO_ERROR', lastStream: 0x7fff_ffff }], 'no more, and nothing is lost yet');
  const crossing = client.ask(requestFields('GET', '/crossing'));
  t.match(await client.untilAnswered(crossing), { status: 200 }, 'a request that crosses the first word is answered');
  await idle.untilClosed();
  t.ok(noError(idle), 'who asks nothing is told so, and closed');
  await client.until(() => client.goAways().length === 2);
  t.match(client.goAways()[1], { code: 'NO_ERROR', lastStream: crossing });
  const behind = client.ask(requestFields('GET', '/behind'));

  await upload(client, windows, uploading, body.subarray(begunWith.length));
  for (const response of workload.waiting.values()) response.end('end');
  t.match(await client.untilAnswered(waiting), { status: 200, body: 'end', ended: true });
  t.match(await client.untilAnswered(streaming), { status: 200, body: 'begin end', ended: true });
  t.match(await client.untilAnswered(uploading), {
    status: 200,
    headers: new Map([['x-hash', sha256(body)]]),
    ended: true,
  });
  await client.untilClosed();
  t.match(client.answer(behind), { status: undefined }, 'what came behind the last word was never begun');
  t.notOk(workload.begun.includes('/behind'));
  const code = proxy.child.exitCode ?? ((await once(proxy.child, 'exit')) as [number | null])[0];
  t.equal(code, 0);
  t.equal(proxy.audit().filter(({ type }) => type === 'authz.allow').length, 5);
  t.equal(proxy.audit().filter(({ object, reason }) => object !== undefined && reason !== undefined).length, 0);
});

void test('what does not finish within the drain is broken off, on record, one by one', async (t) => {
  const workload = await startHoldingWorkload(t);
  const proxy = await startHttp2Proxy(t, { workloadPort: workload.port, config: { drain: '300ms' } });
  const client = await connectHttp2(proxy.port, proxy.client);
  const streams = [
    client.ask(requestFields('GET', '/wait')),
    client.ask(requestFields('GET', '/stream')),
    client.ask(requestFields('POST', '/up'), 'body'),
  ];
  client.write(frame('DATA', [], streams[2] ?? 0, Buffer.from('begun')));
  await eventually(() => workload.waiting.size === 2 && workload.begun.includes('/up'));
  t.equal(await proxy.stop(), 1);
  await client.untilClosed();
  for (const stream of streams) t.match(client.answer(stream), { ended: false }, 'never a clean end');
  const cut = proxy.audit().filter(({ object }) => object !== undefined);
  t.equal(cut.length, streams.length);
  for (const record of cut) t.match(record, { type: 'proxy.abort', reason: 'drain-timeout', aborted: 'proxy' });
});

void test('max_requests_per_connection and max_connection_age', async (t) => {
  const workload = await startHoldingWorkload(t);
  const limits = { max_requests_per_connection: 3, keep_alive: '1m', head: '1m' };
  const proxy = await startHttp2Proxy(t, { workloadPort: workload.port, config: { limits } });

  await t.test('after so many requests the connection ends, once those under way have', async (t) => {
    const client = await connectHttp2(proxy.port, proxy.client);
    const first = client.ask(requestFields('GET', '/wait/first'));
    t.equal((await askHttp2(client, requestFields('GET', '/second'))).status, 200);
    t.same(client.goAways(), []);
    t.equal((await askHttp2(client, requestFields('GET', '/third'))).status, 200);
    await client.until(() => client.goAways().length > 0);
    t.match(client.goAways(), [{ code: 'NO_ERROR', lastStream: 5 }]);
    await eventually(() => workload.waiting.has('/wait/first'));
    workload.waiting.get('/wait/first')?.end('first');
    t.match(await client.untilAnswered(first), { status: 200, body: 'first', ended: true });
    await client.untilClosed();
  });

  await t.test('of many that came at once those up to the last stream are served, and no other', async (t) => {
    const client = await connectHttp2(proxy.port, proxy.client);
    const before = workload.begun.length;
    const streams = Array.from({ length: 50 }, () => client.ask(requestFields('GET', '/at-once')));
    await client.untilClosed();
    t.ok(noError(client));
    const lastStream = client.goAways().at(-1)?.lastStream ?? 0;
    for (const stream of streams) {
      const { status, ended } = client.answer(stream);
      t.same([status, ended], stream <= lastStream ? [200, true] : [undefined, false], `stream ${stream}`);
    }
    t.equal(workload.begun.length - before, (lastStream + 1) / 2);
    t.ok(lastStream < 50, 'soon');
  });
  t.equal(endsOf(proxy).length, 0, 'nothing of this is a trouble of the connection');
  t.equal(await proxy.stop(), 0);
});

void test('age: an idle connection is closed, a busy one when it has answered', async (t) => {
  const workload = await startHoldingWorkload(t);
  const limits = { max_connection_age: '1s', keep_alive: '1m', head: '1m' };
  const proxy = await startHttp2Proxy(t, { workloadPort: workload.port, config: { limits } });
  const idle = await connectHttp2(proxy.port, proxy.client);
  const busy = await connectHttp2(proxy.port, proxy.client);
  t.equal((await askHttp2(idle, requestFields('GET', '/before'))).status, 200);
  const waiting = busy.ask(requestFields('GET', '/wait/age'));
  await Promise.all([idle.untilClosed(), busy.until(() => busy.goAways().length === 2)]);
  t.ok(noError(idle) && noError(busy));
  t.match(busy.goAways()[1], { lastStream: waiting });
  workload.waiting.get('/wait/age')?.end('late');
  t.match(await busy.untilAnswered(waiting), { status: 200, body: 'late', ended: true });
  await busy.untilClosed();
  await proxy.untilRecord(() => endsOf(proxy).filter(({ reason }) => reason === 'max-age').length === 2);
});

void test('the end of the identity', { timeout: 60_000 }, async (t) => {
  const workload = await startHoldingWorkload(t);
  const limits = { keep_alive: '1m', head: '1m' };
  const proxy = await startHttp2Proxy(t, { workloadPort: workload.port, config: { limits } });
  const pki = await proxyPki(proxy.folder);
  const path = '/ns/t/sa/client';
  const short = await pki.issue({ path, notAfterMs: Date.now() + 2500 });
  const lasting = await connectHttp2(proxy.port, proxy.client);
  const idle = await connectHttp2(proxy.port, short);
  const busy = await connectHttp2(proxy.port, short);
  const inside = await connectHttp2(proxy.port, short);
  for (const client of [lasting, idle, inside]) {
    t.equal((await askHttp2(client, requestFields('GET', '/before'))).status, 200);
  }
  const waiting = busy.ask(requestFields('GET', '/wait/end'));
  const streaming = busy.ask(requestFields('GET', '/stream'));
  await busy.until(() => busy.answer(streaming).body === 'begin ');
  await eventually(() => workload.waiting.has('/wait/end'));
  const begun = workload.begun.length;
  const uploading = inside.ask(requestFields('POST', '/up'), 'body');
  inside.write(frame('DATA', [], uploading, Buffer.from('begun')));
  await eventually(() => workload.begun.length === begun + 1);
  await untilExpired(short);
  await Promise.all([idle.untilClosed(), busy.untilClosed(), inside.untilClosed()]);

  t.match(busy.answer(waiting), { status: 403, body: /"code":"identity-expired"/, ended: true }, 'it comes too late');
  t.match(busy.answer(streaming), { status: 200, ended: false }, 'a stream is cut, and looks cut');
  t.match(inside.answer(uploading), { status: 403, body: /"code":"identity-expired"/ }, 'so does the rest of a body');
  await proxy.untilRecord(() => endsOf(proxy).length === 3);
  for (const end of endsOf(proxy)) t.match(end, { outcome: 'deny', reason: 'expired', peer: { serial: short.serial } });
  const refused = () =>
    proxy.audit().filter(({ object, reason }) => object !== undefined && reason === 'identity-expired');
  await proxy.untilRecord(() => refused().length === 3);
  t.equal((await askHttp2(lasting, requestFields('GET', '/still'))).status, 200, 'the positive twin: a longer life');
  lasting.close();
});
