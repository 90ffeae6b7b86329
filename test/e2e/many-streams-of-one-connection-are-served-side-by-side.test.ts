import { randomBytes } from 'node:crypto';
import { test } from 'tap';
import { megabyte, sha256, startHoldingWorkload } from '../harness/holding-workload.ts';
import { askHttp2, connectHttp2, pinged, requestFields, startHttp2Proxy } from '../harness/http2.ts';
import { frame, isType, resetStream } from '../harness/http2-frames.ts';
import { upload, uploadWindows } from '../harness/http2-upload.ts';
import { eventually, untilQuiet } from '../harness/process.ts';
import { strangerId } from '../harness/proxy.ts';

void test('streams', { timeout: 120_000 }, async (t) => {
  const workload = await startHoldingWorkload(t);
  const proxy = await startHttp2Proxy(t, {
    workloadPort: workload.port,
    config: {
      limits: { keep_alive: '1m', head: '1m' },
      routes: [
        { name: 'any', methods: ['GET', 'HEAD'], path: '/{rest...}' },
        { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream', max_body: '4MiB' },
        { name: 'strict', methods: ['POST'], path: '/strict', body: { 'application/json': './order.json' } },
        { name: 'counted', methods: ['GET'], path: '/counted', quota: { requests: 2, per: '24h' } },
      ],
    },
    files: { 'order.json': '{"type":"object","required":["items"]}' },
  });
  const stranger = await proxy.issue(strangerId);
  const client = await connectHttp2(proxy.port, proxy.client);
  const ofTarget = (target: string) =>
    proxy.audit().filter(({ object }) => (object as { readonly target?: string } | undefined)?.target === target);

  await t.test('a hundred answers wait at once, and come in the order in which they are ready', async (t) => {
    const streams = Array.from({ length: 100 }, (_, index) => client.ask(requestFields('GET', `/wait/${index}`)));
    await eventually(() => workload.waiting.size === 100);
    const order: number[] = [];
    const all = streams.map(async (stream, index) => {
      const answer = await client.untilAnswered(stream);
      order.push(index);
      return answer.body;
    });
    for (let index = 99; index >= 0; index -= 1) {
      workload.waiting.get(`/wait/${index}`)?.end(`answer ${index}`);
      await all[index];
    }
    t.same(
      await Promise.all(all),
      streams.map((_, index) => `answer ${index}`),
    );
    t.same(
      order,
      streams.map((_, index) => 99 - index),
      'none waited for one before it',
    );
  });

  await t.test('bodies that come in turns, a frame of each, arrive each as it was sent', async (t) => {
    const windows = uploadWindows(client);
    const bodies = Array.from({ length: 20 }, () => randomBytes(30_000));
    const streams = bodies.map((_, index) => client.ask(requestFields('POST', `/up/${index}`), 'body'));
    await Promise.all(bodies.map((body, index) => upload(client, windows, streams[index] ?? 0, body, 999)));
    for (const [index, stream] of streams.entries()) {
      const answer = await client.untilAnswered(stream);
      t.equal(answer.headers.get('x-hash'), sha256(bodies[index] ?? ''), `stream ${stream}`);
    }
  });

  await t.test('what has no body has no DATA', async (t) => {
    for (const [method, path, status] of [
      ['HEAD', '/large', 200],
      ['GET', '/status/204', 204],
      ['GET', '/status/304', 304],
      ['GET', '/status/500', 500],
    ] as const) {
      const before = client.frames().length;
      const answer = await askHttp2(client, requestFields(method, path));
      t.match(answer, { status, body: '', ended: true, reset: undefined }, `${method} ${path}`);
      const data = client
        .frames()
        .slice(before)
        .filter((got) => isType(got, 'DATA') && got.payload.length > 0);
      t.same(data, []);
      if (method === 'HEAD') t.equal(answer.headers.get('content-length'), String(megabyte.length));
    }
  });

  await t.test('Expect: 100-continue is answered by the verdict', async (t) => {
    const fields = requestFields('POST', '/expecting', [['expect', '100-continue']]);
    const stream = client.ask(fields, 'body');
    await client.until(() => client.answer(stream).interim.length > 0);
    t.same(client.answer(stream).interim, [100]);
    client.write(frame('DATA', ['END_STREAM'], stream, Buffer.from('hello')));
    t.match(await client.untilAnswered(stream), { status: 200, headers: new Map([['x-hash', sha256('hello')]]) });
    const foreign = await connectHttp2(proxy.port, stranger);
    const refused = await foreign.untilAnswered(foreign.ask(fields, 'body'));
    t.match(refused, { status: 403, interim: [], ended: true });
    foreign.close();
  });

  await t.test('a body is judged by its schema', async (t) => {
    const type = ['content-type', 'application/json'] as const;
    const asked = async (body: string, more: readonly (readonly [string, string])[] = [type]) =>
      (await askHttp2(client, requestFields('POST', '/strict', more), body)).status;
    t.equal(await asked('{"items":[]}'), 200);
    t.equal(await asked('{"thing":[]}'), 422);
    t.equal(await asked('{"items":[],"items":[]}'), 400, 'a key twice');
    t.equal(await asked('{"items":[]}', []), 415);
    t.same(
      ofTarget('/strict').map(({ reason }) => reason),
      [undefined, 'schema-violation', 'malformed-json', 'unsupported-media-type'],
    );
  });

  await t.test('whose body is not wanted is told so behind the answer, and the connection goes on', async (t) => {
    const foreign = await connectHttp2(proxy.port, stranger);
    for (const [of, path, more, status] of [
      [foreign, '/refused', [], 403],
      [client, '/too-large', [['content-length', String(5 << 20)]], 413],
    ] as const) {
      const stream = of.ask(requestFields('POST', path, more), 'body');
      t.match(await of.untilAnswered(stream), { status, ended: true }, path);
      await of.until(() => of.answer(stream).reset !== undefined);
      t.equal(of.answer(stream).reset, 'NO_ERROR', path);
      // What was on its way is nobody's fault (RFC 9113 section 5.1).
      of.write(frame('DATA', [], stream, Buffer.from('late')), frame('DATA', ['END_STREAM'], stream));
      await pinged(of);
    }
    t.match(await askHttp2(foreign, requestFields('GET', '/again')), { status: 403 }, 'who it is does not change');
    t.match(await askHttp2(client, requestFields('GET', '/again')), { status: 200 });
    foreign.close();
  });

  await t.test('a quota counts streams', async (t) => {
    const streams = [1, 2, 3, 4].map(() => client.ask(requestFields('GET', '/counted')));
    const statuses: (number | undefined)[] = [];
    for (const stream of streams) statuses.push((await client.untilAnswered(stream)).status);
    t.same(
      [200, 429].map((status) => statuses.filter((got) => got === status).length),
      [2, 2],
    );
    t.equal(ofTarget('/counted').filter(({ reason }) => reason === 'too-many-requests').length, 2);
  });

  await t.test('a client that takes back one request loses that one, and so does the workload', async (t) => {
    const taken = client.ask(requestFields('GET', '/wait/taken'));
    const other = client.ask(requestFields('GET', '/wait/other'));
    await eventually(() => workload.waiting.has('/wait/taken') && workload.waiting.has('/wait/other'));
    client.write(resetStream(taken));
    await eventually(() => workload.lost.includes('/wait/taken'));
    workload.waiting.get('/wait/other')?.end('still here');
    t.match(await client.untilAnswered(other), { status: 200, body: 'still here' });
    await proxy.untilRecord(() => ofTarget('/wait/taken').length > 0);
    t.match(ofTarget('/wait/taken'), [{ reason: 'client-aborted' }]);
    t.notOk(workload.lost.includes('/wait/other'));
  });

  await t.test('an answer that breaks off looks broken off, and the connection goes on', async (t) => {
    const broken = client.ask(requestFields('GET', '/wait/broken'));
    await eventually(() => workload.waiting.has('/wait/broken'));
    workload.waiting.get('/wait/broken')?.write('first words');
    await client.until(() => client.answer(broken).body === 'first words');
    workload.waiting.get('/wait/broken')?.destroy();
    t.match(await client.untilAnswered(broken), { status: 200, ended: false, reset: 'INTERNAL_ERROR' });
    t.match(await askHttp2(client, requestFields('GET', '/after')), { status: 200 });
    await proxy.untilRecord(() => ofTarget('/wait/broken').some(({ reason }) => reason === 'upstream-reset'));
  });

  t.same(client.goAways(), [], 'one connection for all of it');
  client.close();
  await untilQuiet(proxy);
  t.equal(proxy.audit().filter(({ reason }) => reason === 'http2-violation').length, 0);
  t.equal(await proxy.stop(), 0);
});
