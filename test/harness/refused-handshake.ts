import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type ClientCredential, connectRaw, requestText } from './client.ts';
import { eventually } from './process.ts';
import type { AuditRecord, TestProxy } from './proxy.ts';

type Test = {
  readonly equal: (found: unknown, wanted: unknown, message: string) => unknown;
  readonly match: (found: unknown, wanted: object, message: string) => unknown;
};

/** What a client saw of a proxy that should not have talked to it: everything that came until the end. */
export type Attempt = () => Promise<string>;

/** Offers a certificate, or none, and sends a good request at once. */
export function offering(
  proxy: TestProxy,
  credential: ClientCredential | undefined,
  options?: ConnectionOptions,
): Attempt {
  return async () => {
    const client = await connectRaw(proxy.port, credential, options);
    client.write(requestText('GET', '/refused'));
    return client.untilClosed();
  };
}

/** Sends bytes that are not a TLS handshake, or not all of one; `finish` ends the sending side as well. */
export function sendingBytes(proxy: TestProxy, bytes: string | Buffer, finish = false): Attempt {
  return async () => {
    const socket: Socket = connectTcp(proxy.port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', () => undefined);
    if (bytes.length > 0) socket.write(bytes);
    if (finish) socket.end();
    await once(socket, 'close');
    // A TLS alert is an answer of the protocol; anything else would be an answer to the client.
    return received.startsWith('\x15\x03') ? '' : received;
  };
}

export function refusals(proxy: TestProxy): readonly AuditRecord[] {
  return proxy.audit().filter(({ type }) => type === 'tls.reject');
}

function placeOf({ stream, seq }: AuditRecord): string {
  return `${stream} ${seq}`;
}

/** Holds that the attempt ended without a byte for the client, with one record and one count, both with this reason. */
export async function expectRefusal(t: Test, proxy: TestProxy, rule: string, reason: string, attempt: Attempt) {
  const before = new Set(refusals(proxy).map(placeOf));
  // Each data thread writes a stream of its own, so the newest record need not be the last of all.
  const added = () => refusals(proxy).filter((record) => !before.has(placeOf(record)));
  const metric = `portcullis_handshake_refusals_total{reason="${reason}"}`;
  const countBefore = await proxy.metric(metric);
  t.equal(await attempt(), '', `${rule}: nothing came back`);
  await proxy.untilRecord(() => added().length > 0);
  const [record] = added();
  const source = { ip: '127.0.0.1' };
  t.match(record, { outcome: 'deny', reason, src: source, listener: 'inbound' }, `${rule}: the record says ${reason}`);
  t.equal(added().length, 1, `${rule}: one record`);
  // A thread that does not answer a scrape in time has its counts in the next one.
  await eventually(async () => (await proxy.metric(metric)) > countBefore);
  t.equal(await proxy.metric(metric), countBefore + 1, `${rule}: counted once, as ${reason}`);
  return record;
}
