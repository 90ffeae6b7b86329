import type { ServerResponse } from 'node:http';
import { test } from 'tap';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
const final = (text: string) => parseAnswer(text.replace(goOn, ''));

void test('bodies wait for the one connection to the workload longer than a client may be silent', async (t) => {
  const held = Promise.withResolvers<ServerResponse>();
  const workload = await startWorkload(({ url }, body, response) => {
    if (url === '/hold') held.resolve(response);
    else response.end(String(body.length));
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 1,
      workload: { address: `127.0.0.1:${workload.port}`, max_connections: 1 },
      limits: { body_idle: '1s' },
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'streamed', methods: ['POST'], path: '/streamed/{name}', body: 'stream' },
        { name: 'judged', methods: ['POST'], path: '/judged', body: { 'application/json': './any.json' } },
      ],
    },
    files: { 'any.json': '{"type":"string"}' },
  });
  const send = async (text: string) => {
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(text);
    return client;
  };
  const holding = await send(requestText('GET', '/hold'));
  const response = await held.promise;

  const halfway = await send(requestText('POST', '/streamed/halfway', [], 'whole').slice(0, -2));
  const text = requestText('POST', '/streamed/patient', ['Expect: 100-continue'], 'whole');
  const patient = await send(text.slice(0, -5));
  // The positive twin, and our clock: it came last and owes its body to nobody but itself.
  const slow = await send(requestText('POST', '/judged', ['Content-Type: application/json'], '"whole"').slice(0, -1));
  t.match(parseAnswer(await slow.untilClosed()), { status: 408, body: /"code":"request-timeout"/ });
  t.same([halfway.text(), patient.text()], ['', ''], 'who waits for us is left in peace, and not told to continue');

  response.end('held');
  await holding.until((all) => parseAnswer(all) !== undefined);
  halfway.write('le');
  t.match(final(await halfway.until((all) => final(all) !== undefined)), { status: 200, body: '5' });
  t.equal(await patient.until((all) => all === goOn), goOn);
  patient.write('whole');
  t.match(final(await patient.until((all) => final(all) !== undefined)), { status: 200, body: '5' });

  t.equal(proxy.audit().filter(({ reason }) => reason === 'request-timeout').length, 1);
  const late = await send(requestText('POST', '/streamed/late', [], 'whole').slice(0, -1));
  t.match(
    parseAnswer(await late.untilClosed()),
    { status: 408 },
    'once somebody takes its body, it may be slow no more',
  );
  for (const client of [holding, halfway, patient]) client.close();
  t.equal(await proxy.stop(), 0);
});
