import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import {
  type Answer,
  type ClientCredential,
  connectRaw,
  parseAnswer,
  type RawClient,
  requestText,
} from '../harness/client.ts';
import { clientId, startProxy, strangerId, type TestProxy } from '../harness/proxy.ts';
import { connectResettable } from '../harness/resettable.ts';
import { eventually, gauge, untilQuiet } from '../harness/process.ts';

const burst = 25;
/** The kernel decides of each alone which thread has it: so many that one does not get them all by chance. */
const connections = 48;
const each = 2;

/** Sends several requests over one connection, one after the other. */
async function ask(
  client: RawClient,
  target: string,
  count: number,
  headers: readonly string[] = [],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let index = 0; index < count; index += 1) {
    const seen = client.text().length;
    client.write(requestText('GET', target, headers));
    await client.until((text) => parseAnswer(text.slice(seen)) !== undefined);
    const answer = parseAnswer(client.text().slice(seen));
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

function connectAll(proxy: TestProxy, credential: ClientCredential, count: number): Promise<readonly RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => connectRaw(proxy.port, credential)));
}

async function askOnce(proxy: TestProxy, credential: ClientCredential, target: string): Promise<Answer | undefined> {
  const client = await connectRaw(proxy.port, credential);
  const [answer] = await ask(client, target, 1);
  client.close();
  return answer;
}

const allowBoth = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "known"} if {
	input.attributes.source.principal in {"${clientId}", "${strangerId}"}
}
`;

void test('limits over two threads and many connections', async (t) => {
  const waiting: ServerResponse[] = [];
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    if (request.url === '/hang') waiting.push(response);
    else response.end('fine');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy = await startProxy(t, {
    workloadPort: (server.address() as AddressInfo).port,
    files: { 'policy/authz.rego': allowBoth },
    config: {
      threads: 2,
      limits: { max_in_flight: 6, max_in_flight_per_identity: 4, keep_alive: '1m' },
      routes: [
        // No request comes back within the time of this test.
        { name: 'counted', methods: ['GET'], path: '/counted', quota: { requests: burst, per: '24h' } },
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
      ],
    },
  });
  const other = await proxy.issue(strangerId);

  await t.test('exactly as many as the quota says', async (t) => {
    // In waves of four: more at once would meet the other limit.
    const all: Answer[] = [];
    const clients = [...(await connectAll(proxy, proxy.client, connections))];
    while (clients.length > 0) {
      const wave = clients.splice(0, 4);
      const answered = wave.map((client, index) =>
        ask(client, '/counted', each, [`X-Forwarded-For: 192.0.2.${index}`]),
      );
      all.push(...(await Promise.all(answered)).flat());
      for (const client of wave) client.close();
    }
    t.equal(all.length, connections * each);
    t.equal(all.filter(({ status }) => status === 200).length, burst, 'whatever X-Forwarded-For says');
    t.equal(hits, burst);
    const refused = all.filter(({ status }) => status === 429);
    t.equal(refused.length, connections * each - burst);
    const [one] = refused;
    t.match(JSON.parse(one?.body ?? '{}'), { code: 'too-many-requests' });
    t.match(one?.headers.get('retry-after'), /^[1-9]\d*$/);
    t.match(one?.headers.get('ratelimit'), /^"counted";r=0;t=\d+$/);
    t.equal(one?.headers.get('ratelimit-policy'), `"counted";q=${burst};w=86400`);
    const records = proxy.audit().filter(({ reason }) => reason === 'too-many-requests');
    t.equal(records.length, refused.length);
    t.equal(new Set(records.map(({ stream }) => stream)).size, 2, 'both threads took part');
    t.match(records[0], { type: 'limit.reject', class: 'denied', peer: { spiffe: clientId } });
    t.equal((await askOnce(proxy, other, '/counted'))?.status, 200, 'another identity has its own');
    t.equal((await askOnce(proxy, proxy.client, '/else'))?.status, 200, 'another route too');
    await untilQuiet(proxy);
  });

  await t.test('so many at once for one identity, so many in total, and all given back', async (t) => {
    const hanging = await Promise.all(Array.from({ length: 4 }, () => connectResettable(proxy.port, proxy.client)));
    for (const client of hanging) client.write(requestText('GET', '/hang'));
    await eventually(() => waiting.length === 4);
    const refused = await askOnce(proxy, proxy.client, '/else');
    t.equal(refused?.status, 429);
    t.equal(refused?.headers.get('retry-after'), '1');
    t.match(JSON.parse(refused?.body ?? '{}'), { code: 'too-many-in-flight' });

    const others = await connectAll(proxy, other, 2);
    for (const client of others) client.write(requestText('GET', '/hang'));
    await eventually(() => waiting.length === 6);
    const overloaded = await askOnce(proxy, other, '/else');
    t.equal(overloaded?.status, 503);
    t.match(JSON.parse(overloaded?.body ?? '{}'), { code: 'overloaded' });
    t.equal(hits, burst + 8, 'the workload saw neither');
    t.equal(await gauge(proxy, 'portcullis_in_flight_requests'), 6);

    // Some are aborted by their clients, the others answered: both must give their places back.
    for (const client of hanging.splice(0, 3)) client.reset();
    await eventually(async () => (await gauge(proxy, 'portcullis_in_flight_requests')) === 3);
    for (const response of waiting) response.end('late');
    await Promise.all([...hanging, ...others].map((client) => client.until((text) => text.includes('late'))));
    for (const client of [...hanging, ...others]) client.close();
    await untilQuiet(proxy);
    waiting.length = 0;
    const again = await connectAll(proxy, proxy.client, 4);
    for (const client of again) client.write(requestText('GET', '/hang'));
    await eventually(() => waiting.length === 4);
    t.equal((await askOnce(proxy, proxy.client, '/else'))?.status, 429, 'four places again, not three and not five');
    for (const response of waiting) response.end('late');
    await Promise.all(again.map((client) => client.until((text) => text.includes('late'))));
    for (const client of again) client.close();
    await untilQuiet(proxy);
  });
  t.equal(proxy.audit().filter(({ reason }) => reason === 'too-many-in-flight').length, 2);
  t.equal(proxy.audit().filter(({ reason }) => reason === 'overloaded').length, 1);
  t.equal(await proxy.stop(), 0);
});
