import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { newFolder, startProxy, type TestProxy, trustDomain } from '../test/harness/proxy.ts';
import { startWorkload } from '../test/harness/workload.ts';
import { load, type LoadRequest, quantile } from './load.ts';
import { cpuSeconds, residentBytes } from './process.ts';
import { type Bench, runBench } from './run.ts';

// What it costs: memory, start-up, and processor time per request next to a plain Node proxy. Rounds of the two are
// interleaved, so that a machine that slows down slows both.
const rounds = 5;
const requestsPerRound = 4000;
const connections = 32;

const schema = {
  type: 'object',
  properties: { id: { type: 'integer' }, item: { type: 'string', maxLength: 2000 } },
  required: ['id', 'item'],
  additionalProperties: false,
};
const body = JSON.stringify({ id: 1, item: 'x'.repeat(1000) });
const shapes: Readonly<Record<string, LoadRequest>> = {
  GET: { method: 'GET', path: '/orders/1' },
  'POST 1 KB, validated': { method: 'POST', path: '/orders/1', headers: { 'content-type': 'application/json' }, body },
};
const config = {
  // One data thread, so that both peers have one thread for their requests.
  threads: 1,
  limits: { keep_alive: '10m', max_requests_per_connection: 1_000_000 },
  routes: [
    { name: 'read', methods: ['GET'], path: '/orders/{id}' },
    { name: 'write', methods: ['POST'], path: '/orders/{id}', body: { 'application/json': './order.schema.json' } },
  ],
};

type Peer = { readonly name: string; readonly port: number; readonly pid: number };
type Figures = { readonly cpuMicros: number[]; readonly p50Ms: number[]; readonly perSecond: number[] };

await runBench(async (t) => {
  const workload = await startWorkload((_request, _body, response) => response.end('{"ok":true}'));
  t.teardown(workload.close);
  const setup = { workloadPort: workload.port, config, files: { 'order.schema.json': JSON.stringify(schema) } };
  console.log(`start to ready, compiling the policy  ${await startMs(t, setup, true)} ms`);
  console.log(`start to ready, compiled before       ${await startMs(t, setup, false)} ms`);

  const proxy = await startProxy(t, setup);
  const portcullis = { name: 'portcullis', port: proxy.port, pid: proxy.child.pid ?? 0 };
  const plain = await startPlain(t, proxy, workload.port);
  const peers: readonly Peer[] = [portcullis, plain];
  await settle();
  for (const peer of peers) console.log(`${peer.name}: resident, idle               ${mib(residentBytes(peer.pid))}`);
  for (const [shape, request] of Object.entries(shapes)) await compare(shape, request, peers, proxy);
  for (const peer of peers) await measureConnections(peer, proxy);
});

async function startMs(t: Bench, setup: Parameters<typeof startProxy>[1], cold: boolean): Promise<number> {
  const folder = newFolder(t);
  const first = await startProxy(t, { ...setup, folder });
  await first.stop();
  if (cold) rmSync(join(folder, 'state', 'policy-cache'), { recursive: true });
  // `startProxy` brings its own cache where there is none; an empty folder keeps it away.
  const words = ['run', '-c', 'portcullis.yaml'];
  const main = fileURLToPath(new URL('../proxy/main.ts', import.meta.url));
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    if (cold) rmSync(join(folder, 'state', 'policy-cache'), { recursive: true, force: true });
    const began = performance.now();
    const child = spawn(process.execPath, [main, ...words], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    while (!log.includes('"event":"ready"')) log += String((await once(child.stderr, 'data'))[0]);
    times.push(performance.now() - began);
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  return Math.round(quantile(times, 0.5));
}

async function startPlain(t: Bench, proxy: TestProxy, workloadPort: number): Promise<Peer> {
  const own = await proxy.issue(`spiffe://${trustDomain}/ns/t/sa/plain`);
  const roots = proxy.ca.trustBundle().flatMap(({ rootsPem }) => rootsPem);
  const files = { 'plain.crt': own.certPem, 'plain.key': own.keyPem, 'plain-roots.crt': roots.join('\n') };
  const paths = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(proxy.folder, name), content);
    return join(proxy.folder, name);
  });
  const program = fileURLToPath(new URL('./peers/plain-node.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program, `127.0.0.1:${workloadPort}`, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { name: 'plain node', port: Number(String(line)), pid: child.pid ?? 0 };
}

async function compare(shape: string, request: LoadRequest, peers: readonly Peer[], proxy: TestProxy): Promise<void> {
  const figures = new Map<Peer, Figures>(peers.map((peer) => [peer, { cpuMicros: [], p50Ms: [], perSecond: [] }]));
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [peer, { cpuMicros, p50Ms, perSecond }] of figures) {
      const before = cpuSeconds(peer.pid);
      const result = await load({
        port: peer.port,
        credential: proxy.client,
        connections,
        goesOn: (started) => started < requestsPerRound,
        request: () => request,
      });
      const bad = result.failures.length + result.answers.filter(({ status }) => status !== 200).length;
      if (bad > 0) throw new Error(`${peer.name}: ${bad} of ${requestsPerRound} failed: ${result.failures[0]}`);
      if (round === 0) continue;
      cpuMicros.push(((cpuSeconds(peer.pid) - before) * 1e6) / requestsPerRound);
      p50Ms.push(
        quantile(
          result.answers.map(({ latencyMs }) => latencyMs),
          0.5,
        ),
      );
      perSecond.push((requestsPerRound * 1000) / result.elapsedMs);
    }
  }
  const median = (values: readonly number[]) => quantile(values, 0.5);
  const costs = [...figures.values()].map(({ cpuMicros }) => median(cpuMicros));
  for (const [peer, { cpuMicros, p50Ms, perSecond }] of figures) {
    const range = `${Math.min(...cpuMicros).toFixed(0)}-${Math.max(...cpuMicros).toFixed(0)}`;
    const cost = `${median(cpuMicros).toFixed(0)} us CPU per request (${range})`;
    console.log(
      `${shape}: ${peer.name}: ${cost}, p50 ${median(p50Ms).toFixed(1)} ms, ${median(perSecond).toFixed(0)}/s`,
    );
  }
  console.log(`${shape}: ratio ${((costs[0] ?? 0) / (costs[1] ?? 1)).toFixed(2)}`);
}

async function measureConnections(peer: Peer, { client }: TestProxy): Promise<void> {
  const before = residentBytes(peer.pid);
  const open = async () => {
    const options = { host: '127.0.0.1', port: peer.port, rejectUnauthorized: false };
    const socket = connect({ ...options, cert: client.certPem, key: client.keyPem });
    await once(socket, 'secureConnect');
    return socket;
  };
  const sockets: TLSSocket[] = [];
  for (let batch = 0; batch < 50; batch++) sockets.push(...(await Promise.all(Array.from({ length: 20 }, open))));
  await settle();
  const alive = sockets.filter(({ destroyed }) => !destroyed).length;
  const after = residentBytes(peer.pid);
  const each = ((after - before) / 1024 / sockets.length).toFixed(0);
  console.log(`${peer.name}: resident, ${alive} connections  ${mib(after)} (before ${mib(before)}, ${each} KiB each)`);
  for (const socket of sockets) socket.destroy();
}

/** Memory is read after things have calmed down; nothing is judged by it. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2000));
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
