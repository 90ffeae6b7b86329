import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** More than the listener allows, in records of 27 bytes. */
const flood = 12_000;

// RFC 8446 section 4.6.3: records without content, which OpenSSL answers and Node tells nobody of. Without an end to them, sixteen
// connections hold a data thread for seconds.
void test('a client that only renews its keys', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const openssl = await s_client(proxy);
  t.teardown(() => openssl.child.kill('SIGKILL'));

  t.equal(await openssl.renews(200), 200);
  openssl.child.stdin?.write(requestText('GET', '/after-200'));
  await openssl.says('HTTP/1.1 200');
  t.ok((await openssl.renews(flood)) < flood, 'the connection ends');
  await proxy.untilRecord(({ type }) => type === 'tls.end');
  t.match(
    proxy.audit().filter(({ type }) => type === 'tls.end'),
    [
      {
        outcome: 'deny',
        reason: 'empty-records',
        detail: /^\d{6} bytes beside the content/,
        peer: { spiffe: clientId },
      },
    ],
  );
  t.equal(await proxy.metric('portcullis_connections_ended_total{reason="empty-records"}'), 1);

  const other = await connectRaw(proxy.port, proxy.client);
  other.write(requestText('GET', '/another'));
  t.equal((await other.until((text) => parseAnswer(text) !== undefined)).includes(' 200 '), true);
  other.close();
});

async function s_client(proxy: Awaited<ReturnType<typeof startProxy>>) {
  const file = (name: string) => join(proxy.folder, name);
  writeFileSync(file('client.pem'), proxy.client.certPem);
  writeFileSync(file('client.key'), proxy.client.keyPem);
  const identity = ['-cert', file('client.pem'), '-cert_chain', file('client.pem'), '-key', file('client.key')];
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${proxy.port}`, '-tls1_3', ...identity]);
  let said = '';
  const heard = new EventTarget();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text: string) => {
      said += text;
      heard.dispatchEvent(new Event('more'));
    });
  }
  const ended = once(child, 'close');
  child.stdin.on('error', () => undefined);
  const says = async (text: string): Promise<boolean> => {
    while (!said.includes(text)) {
      const more = await Promise.race([once(heard, 'more').then(() => true), ended.then(() => false)]);
      if (!more && !said.includes(text)) return false;
    }
    said = said.slice(said.indexOf(text) + text.length);
    return true;
  };
  await says('Verify return code');
  return {
    child: child as ChildProcess,
    says,
    /** How many times it could: a line that begins with k is the command for it, one at a time. */
    renews: async (times: number) => {
      for (let done = 0; done < times; done += 1) {
        child.stdin.write('k\n');
        if (!(await says('KEYUPDATE'))) return done;
      }
      return times;
    },
  };
}
