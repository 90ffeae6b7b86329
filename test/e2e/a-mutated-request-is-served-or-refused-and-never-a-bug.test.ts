import fc from 'fast-check';
import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { connectRaw } from '../harness/client.ts';
import { mutants } from '../harness/mutations.ts';
import { exchangeRecords } from '../harness/new-records.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

/**
 * THREATS 1.2, throwing headers: undici throws on some of what a client may send (`expect`, `keep-alive`, `upgrade`,
 * `transfer-encoding`, the path `*`). Whatever comes, the answer is never a 500, and what the workload receives is on
 * record as allowed, request for request.
 */
const runs = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 300);

void test('mutants', async (t) => {
  t.setTimeout(30_000 + runs * 100);
  const workload = await startRecorder();
  t.teardown(workload.close);
  const routes = [
    {
      name: 'all',
      methods: ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH'],
      path: '/{rest...}',
      body: 'stream',
    },
  ];
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { routes } });
  const newRecords = exchangeRecords(proxy.folder);
  let served = 0;

  const property = fc.asyncProperty(mutants, async (bytes) => {
    const before = { requests: workload.hits(), bytes: workload.bytes() };
    const client = await connectRaw(proxy.port, proxy.client);
    client.socket.end(bytes);
    const text = await client.untilClosed();
    const allowed = newRecords().filter(({ type }) => type === 'authz.allow');
    const received = workload.requests().slice(before.requests);
    served += received.length;
    const problems = [
      ...(/^HTTP\/1\.1 5(?!01|05)/m.test(text) ? ['a failure of the proxy'] : []),
      ...(text.startsWith('HTTP/1.1 ') || text === '' ? [] : ['no answer of HTTP']),
      ...(allowed.length === received.length ? [] : ['the workload received what is not on record']),
      ...received.flatMap(({ line, headers }, index) => {
        const [method, target] = line.split(' ');
        const { object } = (allowed[index] ?? {}) as { object?: { method: string; target: string } };
        const same = object?.method === method && object?.target === target;
        const identities = headers.filter((header) => /^x.spiffe.id:/i.test(header));
        return same && identities.join() === `x-spiffe-id: ${clientId}` ? [] : ['forwarded other than recorded'];
      }),
      ...(received.length > 0 || workload.bytes() === before.bytes || text === '' ? [] : leftovers(text)),
    ];
    if (problems.length > 0)
      throw new Error(`${problems.join(', ')}: ${JSON.stringify(bytes.toString('latin1'))} got ${text}`);
  });
  await fc.assert(property, { numRuns: runs, endOnFailure: true });
  t.ok(served > runs / 100, `${served} requests of ${runs} mutants reached the workload`);
  t.notMatch(proxy.log(), /exchange\.bug/);
  t.equal(await proxy.metric('portcullis_requests_total{route="all",outcome="failed",code="internal-error"}'), 0);
});

/** A part of a request may have left before its body turned out bad; nothing else reaches the workload of a refusal. */
function leftovers(text: string): readonly string[] {
  const codes = parseAnswers(text).map(({ body }) => /"code":"([^"]*)"/.exec(body)?.[1]);
  return codes.some((code) => code === 'malformed-chunk' || code === 'body-too-large')
    ? []
    : ['bytes of a refused request'];
}
