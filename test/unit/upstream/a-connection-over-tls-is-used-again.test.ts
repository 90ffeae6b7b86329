import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { type Test, test } from 'tap';
import type { WorkloadConfig } from '../../../proxy/config/config.ts';
import { type Denial, isDenial } from '../../../proxy/denial.ts';
import { connectFailure } from '../../../proxy/upstream/failure.ts';
import type { OpenLink } from '../../../proxy/upstream/link.ts';
import { openPool } from '../../../proxy/upstream/pool.ts';
import { WorkloadExchange } from '../../../proxy/upstream/workload-exchange.ts';
import type { WorkloadResponse } from '../../../proxy/upstream/workload-response.ts';
import type { AnsweringThread } from '../../harness/answering-thread.ts';
import { makePki } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example' });
const { certPem, keyPem } = await pki.issue({ path: '/workload' });

/** A workload in a thread of its own that answers everything with `bytes` of body, and a pool to it that does not mind who it is. */
async function stage(t: Test, bytes: number) {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;
  const workerData: AnsweringThread = { certPem, keyPem, answer, counts };
  const worker = new Worker(new URL('../../harness/answering-thread.ts', import.meta.url), { workerData });
  const [port] = (await once(worker, 'message')) as [number];
  const config = {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    connectTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    maxResponseBytes: 1 << 20,
    maxConnections: 1,
  } as WorkloadConfig;
  const openLink: OpenLink = (onread) => ({
    socket: connect({ host: '127.0.0.1', port, rejectUnauthorized: false, onread } as ConnectionOptions),
    opensWith: 'secureConnect',
    tellsLate: true,
    refusal: () => undefined,
    failure: connectFailure,
    over: () => undefined,
    peer: () => undefined,
  });
  const pool = openPool(config, openLink);
  t.teardown(() => {
    pool.close();
    return worker.terminate();
  });
  const ask = async (): Promise<WorkloadResponse> => {
    const outcome = await new Promise<WorkloadResponse | Denial>((settled) => {
      const request = { method: 'GET', target: '/', authority: 'a', headers: [], lines: '', body: undefined };
      pool.dispatch(new WorkloadExchange(request, config, { sent: () => undefined, settled }), 10_000);
    });
    if (isDenial(outcome)) throw new Error(outcome.code);
    return outcome;
  };
  return { ask, answers: counts.subarray(0, 1), connections: () => Atomics.load(counts, 1) };
}

/** Takes a piece in each turn of the event loop. */
function readSlowly({ body }: WorkloadResponse): Promise<number> {
  if (Buffer.isBuffer(body)) return Promise.resolve(body.length);
  let bytes = 0;
  return new Promise((resolve, reject) => {
    body.consume({
      chunk: (piece) => {
        bytes += piece.length;
        body.pause();
        setImmediate(() => body.resume());
      },
      end: () => resolve(bytes),
      failed: ({ code }) => reject(new Error(code)),
    });
  });
}

void test('after an answer whose end came while its reader waited', async (t) => {
  // Three records of TLS, which come in one read of the socket: a reader that stops at the first is handed the others too.
  const bytes = 40_000;
  const { ask, connections } = await stage(t, bytes);
  for (let index = 0; index < 3; index += 1) t.equal(await readSlowly(await ask()), bytes);
  t.equal(connections(), 1);
});

void test('after an answer that is there before TLS has told that the request was written', async (t) => {
  const { ask, answers, connections } = await stage(t, 1);
  await ask();
  for (let index = 1; index < 4; index += 1) {
    await new Promise<unknown>((resolve) => {
      // It tells so after what this turn has to read, where it was written behind that.
      setImmediate(() => {
        resolve(ask());
        Atomics.wait(answers, 0, index, 10_000);
      });
    });
  }
  t.equal(connections(), 1);
});
