import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const schema = { type: 'object', properties: { item: { type: 'string' } }, additionalProperties: false };
const body = JSON.stringify({ item: 'x'.repeat(1000) });
const half = body.length / 2;

const final = (text: string) => parseAnswer(text.replace('HTTP/1.1 100 Continue\r\n\r\n', ''));

void test('the workload changes between the first half of a body and the second', async (t) => {
  const [old, next] = [await startWorkload(), await startWorkload()];
  t.teardown(old.close);
  t.teardown(next.close);
  const proxy = await startProxy(t, {
    workloadPort: old.port,
    config: {
      routes: [
        { name: 'read', methods: ['GET'], path: '/{rest...}' },
        { name: 'judged', methods: ['POST'], path: '/judged', body: { 'application/json': './any.json' } },
        { name: 'streamed', methods: ['POST'], path: '/streamed', body: 'stream' },
      ],
    },
    files: { 'any.json': JSON.stringify(schema) },
  });
  const begin = async (target: string) => {
    const client = await connectRaw(proxy.port, proxy.client);
    const text = requestText('POST', target, ['Content-Type: application/json', 'Expect: 100-continue'], body);
    client.write(text.slice(0, -body.length));
    // It is told to go on only once it has been accepted, and with that has its snapshot.
    await client.until((all) => all.includes('100 Continue'));
    client.write(body.slice(0, half));
    return client;
  };
  const targets = ['/judged', '/streamed'];
  const clients = await Promise.all(targets.map(begin));

  const swap = await untilInForce(proxy, () => changeConfig(proxy, { workload: `127.0.0.1:${next.port}` }));
  const after = await exchange(proxy.port, proxy.client, requestText('GET', '/after'));
  t.equal(after.answer?.status, 200);
  t.same([old.hits(), next.hits()], [0, 1], 'what comes now goes to the new workload');

  for (const client of clients) {
    client.write(body.slice(half));
    const answer = final(await client.until((text) => final(text) !== undefined));
    t.equal(answer?.status, 200);
    t.match(JSON.parse(answer?.body ?? ''), { bytes: body.length });
  }
  t.same([old.hits(), next.hits()], [2, 1], 'what was begun before goes where it was judged to go');

  const recordOf = (target: string) =>
    proxy.audit().filter((record) => (record['object'] as { target?: string } | undefined)?.target === target);
  for (const target of targets) {
    const wanted = { type: 'authz.allow', snapshot: swap['previous_snapshot'], dst: { port: old.port } };
    t.match(recordOf(target), [wanted], `${target}: the record says so`);
    t.equal(recordOf(target).length, 1);
  }
  t.match(recordOf('/after'), [{ snapshot: swap['snapshot'], dst: { port: next.port } }]);

  const [client] = clients;
  client?.write(requestText('GET', '/again'));
  await proxy.untilRecord(() => recordOf('/again').length === 1);
  t.match(recordOf('/again'), [{ snapshot: swap['snapshot'], dst: { port: next.port } }], 'the next on the same line');
  for (const each of [...clients, after.client]) each.close();
  t.equal(await proxy.stop(), 0);
});
