import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { test } from 'tap';
import { startGenerator } from '../../bench/load/generator.ts';
import type { LoadRequest } from '../../bench/load/load-request.ts';
import type { Credential } from '../../bench/load/target.ts';
import { allPeers } from '../../bench/peers/all.ts';
import { type Peer, usual } from '../../bench/peers/peer.ts';
import { clientId, createPki, strangerId } from '../../bench/peers/pki.ts';
import { findProgram } from '../../bench/peers/programs.ts';
import { runBench } from '../../bench/run.ts';
import { posts } from '../../bench/scenarios/requests.ts';
import { startWorkload } from '../harness/workload.ts';

// A comparison is worth nothing when one side leaves out the work: so each peer that is installed here is asked to do it.

const folder = mkdtempSync(join(tmpdir(), 'pc-peers-'));
const spoofed = 'spiffe://mesh.example/spoofed';
const get: LoadRequest = { method: 'GET', path: '/orders/1000', headers: { 'x-spiffe-id': spoofed } };
const [post = get] = posts(1024);

test('peers', async (t) => {
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const pki = await createPki(t, join(folder, 'pki'));
  const others = await createPki(t, join(folder, 'others'));
  const generator = startGenerator();
  t.teardown(() => generator.close());
  const client = await pki.issue(clientId);
  const stranger = await pki.issue(strangerId);
  const foreign = await others.issue(clientId);

  for (const peer of allPeers) {
    const missing = peer.programs.find((program) => findProgram(program) === undefined);
    await t.test(peer.name, { skip: missing === undefined ? false : `${missing} is not installed` }, async (t) => {
      const workload = await startWorkload();
      t.teardown(workload.close);
      const own = join(folder, peer.name);
      await runBench(async (bench) => {
        const port = await start(bench, peer, own, 1_000_000);
        const ask = async (as: Credential, request: LoadRequest) => {
          const target = { kind: 'tls', host: '127.0.0.1', port, credentials: [as] } as const;
          const { failures } = await generator.newConnections(target, [request], { atOnce: 1, requests: 1 });
          return Object.keys(failures)[0] ?? 'status 200';
        };
        t.equal(await ask(client, get), 'status 200', 'it forwards');
        t.equal(await ask(client, post), 'status 200', 'bodies too');
        const sent = Buffer.concat([...workload.received()]).toString('latin1');
        t.notMatch(sent, spoofed, 'nobody names himself');
        if (peer.work.includes('spiffe-id')) t.match(sent, clientId, 'the workload is told who called');
        t.ok(sent.includes(String(post.body)), 'the body arrives as it was');

        const hits = workload.hits();
        t.notMatch(await bare(port, undefined), '200', 'no certificate');
        t.notMatch(await bare(port, foreign), '200', 'a certificate of another CA');
        if (peer.work.includes('rules')) t.equal(await ask(stranger, get), 'status 403', 'an identity without a rule');
        if (peer.work.includes('schema')) {
          t.match(await ask(client, { ...post, body: '{"id":0}' }), /status 4(?:03|22)/, 'a body against its schema');
        }
        t.equal(workload.hits(), hits, 'nothing of that reached the workload');
      });
      // It has ended, and has written what it held back.
      if (peer.work.includes('log')) t.ok(lines(own, '/orders/1000') >= 2, 'a line for each request');

      if (!peer.work.includes('limit')) return;
      await runBench(async (bench) => {
        const port = await start(bench, peer, `${own}-limited`, 5);
        const target = { kind: 'tls', host: '127.0.0.1', port, credentials: [client] } as const;
        const open = await generator.connect(target, 4);
        const { failures } = await open.closedLoop([get], { requests: 100 });
        await open.close();
        t.strictSame(Object.keys(failures), ['status 429'], 'more than the limit');
      });

      async function start(bench: Parameters<Peer['start']>[0], which: Peer, where: string, limitPerSecond: number) {
        mkdirSync(where);
        const setup = { ...usual, limitPerSecond, folder: where, pki, workloadPort: workload.port };
        const { port } = await which.start(bench, setup);
        return port;
      }
    });
  }
});

/** The status line of the answer; empty where there is none. TLS 1.3 tells a client without certificate only after its handshake. */
function bare(port: number, credential: Credential | undefined): Promise<string> {
  return new Promise((resolve) => {
    const own = credential === undefined ? {} : { cert: credential.certPem, key: credential.keyPem };
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...own }, () => {
      socket.write('GET /orders/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    });
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => resolve(answer.split('\r\n')[0] ?? ''));
    socket.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
  });
}

/** Of all logs in the folder of a peer. */
function lines(own: string, text: string): number {
  const files = globSync('**/*.{log,ndjson}', { cwd: own });
  const all = files.flatMap((file) => readFileSync(join(own, file), 'utf8').split('\n'));
  return all.filter((line) => line.includes(text)).length;
}
