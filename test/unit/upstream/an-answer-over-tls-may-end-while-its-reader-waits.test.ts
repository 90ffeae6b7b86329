import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type ConnectionOptions, createServer } from 'node:tls';
import { test } from 'tap';
import type { WorkloadConfig } from '../../../proxy/config/config.ts';
import { type Denial, isDenial } from '../../../proxy/denial.ts';
import { connectFailure } from '../../../proxy/upstream/failure.ts';
import type { OpenLink } from '../../../proxy/upstream/link.ts';
import { openPool } from '../../../proxy/upstream/pool.ts';
import { WorkloadExchange } from '../../../proxy/upstream/workload-exchange.ts';
import type { WorkloadResponse } from '../../../proxy/upstream/workload-response.ts';
import { makePki } from '../../pki/pki.ts';

/** Three records of TLS, which come in one read of the socket: a reader that stops at the first is handed the others too. */
const body = 'x'.repeat(40_000);

void test('and the next request on the connection is answered', async (t) => {
  const pki = await makePki({ trustDomain: 'shop.example' });
  const { certPem, keyPem } = await pki.issue({ path: '/workload' });
  let connections = 0;
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    connectTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    maxResponseBytes: 1 << 20,
    maxConnections: 1,
  } as WorkloadConfig;
  const openLink: OpenLink = (onread) => ({
    // Who it is does not matter here.
    socket: connect({ host: '127.0.0.1', port, rejectUnauthorized: false, onread } as ConnectionOptions),
    opensWith: 'secureConnect',
    refusal: () => undefined,
    failure: connectFailure,
    over: () => undefined,
    peer: () => undefined,
  });
  const pool = openPool(config, openLink);
  t.teardown(() => {
    pool.close();
    server.close();
  });
  for (const target of ['/first', '/second', '/third']) {
    const outcome = await new Promise<WorkloadResponse | Denial>((settled) => {
      const request = { method: 'GET', target, authority: 'a', headers: [], lines: '', body: undefined };
      pool.dispatch(new WorkloadExchange(request, config, { sent: () => undefined, settled }), 10_000);
    });
    if (isDenial(outcome)) {
      t.fail(`${target}: ${outcome.code}`);
      break;
    }
    const { body: answered } = outcome;
    let bytes = 0;
    if (Buffer.isBuffer(answered)) bytes = answered.length;
    else {
      await new Promise<void>((resolve) => {
        answered.consume({
          chunk: (piece) => {
            bytes += piece.length;
            answered.pause();
            setImmediate(() => answered.resume());
          },
          end: resolve,
          failed: ({ code }) => {
            t.fail(`${target}: ${code}`);
            resolve();
          },
        });
      });
    }
    t.equal(bytes, body.length, target);
  }
  t.equal(connections, 1);
});
