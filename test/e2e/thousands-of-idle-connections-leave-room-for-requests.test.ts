import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import type { IdleOrder, IdleReport } from '../harness/idle-clients.ts';
import { clientId, startProxy, trustDomain } from '../harness/proxy.ts';
import { descriptors, eventually, gauge, residentBytes, untilQuiet } from '../harness/process.ts';
import { startWorkload } from '../harness/workload.ts';

/** `PORTCULLIS_TEST_CONNECTIONS=10000 npm test -- <this file>` for the number that the issue names. */
const total = Number(process.env['PORTCULLIS_TEST_CONNECTIONS'] ?? 2000);
const processes = 4;
const each = total / processes;
/** Many handshakes in one turn of the event loop must not be taken for a thread that is stuck. */
const atOnce = 100;

const script = fileURLToPath(new URL('../harness/idle-clients.ts', import.meta.url));

function startClients(t: Test): readonly ChildProcess[] {
  return Array.from({ length: processes }, () => {
    const child = fork(script, [], { execArgv: [] });
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  });
}

async function tell(child: ChildProcess, order: IdleOrder): Promise<IdleReport> {
  child.send(order);
  const [report] = (await once(child, 'message')) as [IdleReport];
  return report;
}

const allow = `package portcullis.authz

decision if startswith(input.attributes.source.principal, "${clientId}")
`;

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

void test(`${total} idle connections from ${processes} processes`, async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: { 'policy/authz.rego': allow },
    config: {
      limits: {
        max_connections: total,
        max_connections_per_identity: each,
        max_in_flight: total,
        max_in_flight_per_identity: total,
        keep_alive: '10m',
        head: '5m',
        handshake: '1m',
      },
    },
  });
  const idle = { descriptors: descriptors(proxy), bytes: residentBytes(proxy) };
  const clients = startClients(t);
  const credentials = await Promise.all(clients.map((_, index) => proxy.issue(`${clientId}-${index}`)));
  const orders = credentials.map(
    (credential) => ({ do: 'open', port: proxy.port, count: each, atOnce, credential }) as const,
  );
  const began = performance.now();
  const opened = await Promise.all(clients.map((client, index) => tell(client, orders[index] as IdleOrder)));
  t.same(opened, Array(processes).fill({ open: each, refused: 0, answered: 0 }), 'all come in');
  await eventually(async () => (await gauge(proxy, 'portcullis_open_connections')) === total);
  t.comment(
    `${((performance.now() - began) / 1000).toFixed(1)} s; idle ${mebibytes(idle.bytes)}, with ${total} connections ${mebibytes(residentBytes(proxy))}`,
  );

  const answered = await Promise.all(clients.map((client) => tell(client, { do: 'ask', every: 10 })));
  t.same(
    answered,
    Array(processes).fill({ open: each, refused: 0, answered: Math.ceil(each / 10) }),
    'each can be used',
  );
  t.equal(workload.hits(), processes * Math.ceil(each / 10));

  const other = await proxy.issue(`spiffe://${trustDomain}/one/too/many`);
  const tooMany = await connectRaw(proxy.port, other);
  t.equal(await tooMany.untilClosed(), '', 'one more is closed');
  await proxy.untilRecord(({ type, reason }) => type === 'tls.reject' && reason === 'too-many-connections');
  t.equal(await proxy.metric('portcullis_handshake_refusals_total{reason="too-many-connections"}'), 1);

  for (const client of clients) client.kill('SIGKILL');
  await untilQuiet(proxy);
  // Those to the workload are kept for the next request, at most `workload.max_connections` of them.
  await eventually(() => descriptors(proxy) <= idle.descriptors + 256);
  const again = await exchange(proxy.port, await proxy.issue(`${clientId}-0`), requestText('GET', '/again'));
  t.equal(again.answer?.status, 200, 'there is room again');
  t.comment(`afterwards ${mebibytes(residentBytes(proxy))}`);
  again.client.close();
  t.notOk(
    proxy.audit().some(({ type }) => type === 'thread.replaced'),
    'no thread was taken for stuck',
  );
  t.equal(await proxy.stop(), 0);
});
