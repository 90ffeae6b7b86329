import { test } from 'tap';
import { parseAnswer, connectRaw, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

/**
 * THREATS 1.7: plain Node servers let one peer that pipelines deeply or sends one-byte chunks starve all others. Progress
 * is compared in requests, not in seconds, so that a slow machine changes nothing.
 */
const wanted = 50;

void test('a good peer beside a greedy one', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const limits = { max_requests_per_connection: 100_000 };
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { limits } });
  const targets = (prefix: string) => workload.requests().filter(({ line }) => line.includes(` ${prefix}`)).length;

  await t.test('deep pipelines', async (pipelines) => {
    const depth = 5000;
    const greedy = await connectRaw(proxy.port, proxy.client);
    greedy.write(requestText('GET', '/greedy').repeat(depth));
    await greedy.until((text) => text.includes('HTTP/1.1 200'));
    await complete(proxy, wanted, '/good/a');
    pipelines.equal(targets('/good/a'), wanted);
    pipelines.ok(targets('/greedy') < depth, `the pipeline had ${targets('/greedy')} of ${depth} by then`);
    greedy.close();
  });

  await t.test('one-byte chunks', async (chunks) => {
    const flood = Buffer.from('1\r\na\r\n'.repeat(1000));
    let floods = 0;
    const attack = async (): Promise<void> => {
      while (targets('/good/b') < wanted) {
        const greedy = await connectRaw(proxy.port, proxy.client);
        greedy.write(requestText('POST', '/greedy', ['Transfer-Encoding: chunked']));
        for (let count = 0; count < 10; count += 1) greedy.write(flood);
        const text = await greedy.untilClosed();
        chunks.match(text, /^HTTP\/1\.1 400 [^]*malformed-chunk/, 'more than the free chunks are refused');
        floods += 1;
      }
    };
    await Promise.all([attack(), attack(), complete(proxy, wanted, '/good/b')]);
    chunks.equal(targets('/good/b'), wanted);
    chunks.ok(floods <= wanted * 20, `${floods} floods were turned away for ${wanted} good requests`);
  });

  await t.test('one-byte records of a long head', async (records) => {
    const head = Buffer.from(`GET /greedy HTTP/1.1\r\n${'a: b\r\n'.repeat(98)}Host: localhost\r\n`);
    const greedy = await connectRaw(proxy.port, proxy.client);
    for (const byte of head) greedy.write(Buffer.of(byte));
    await complete(proxy, wanted, '/good/c');
    greedy.write('\r\n');
    records.match(await greedy.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 200 /);
    records.equal(targets('/good/c'), wanted);
    greedy.close();
  });
});

/** Sends one request after the other on one connection and waits for each answer. */
async function complete(proxy: TestProxy, count: number, target: string): Promise<void> {
  const client = await connectRaw(proxy.port, proxy.client);
  for (let done = 0, seen = 0; done < count; done += 1) {
    client.write(requestText('GET', target));
    const text = await client.until((soFar) => parseAnswer(soFar.slice(seen)) !== undefined);
    seen = text.length;
  }
  client.close();
}
