// What the image does, read-only and without a capability: the demo, the time from start to ready, memory, and a SIGTERM while
// requests are under way. Usage, as root: node measure.mjs ROOTFS IMAGE_CONFIG_JSON
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
// oxlint-disable-next-line no-restricted-imports -- this is the load, and no part of the proxy.
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { confine, innermost, processTree } from './confine.mjs';

const [rootfs, configFile] = process.argv.slice(2);
const image = JSON.parse(readFileSync(configFile, 'utf8'));
const folder = mkdtempSync('/tmp/portcullis-image-');
const setup = { rootfs, image, mounts: ['--bind', folder, '/var/lib/portcullis'] };
const portcullis = (...words) => confine(setup, [...image.Entrypoint, ...words]);

function run(...words) {
  const [command, ...rest] = portcullis(...words);
  return spawnSync(command, rest, { encoding: 'utf8' });
}

function demo() {
  const { status, stdout, stderr } = run('demo', '--once', '--port', '0');
  console.log(`demo: exit code ${status}; ${stdout.trim().split('\n').at(-1)}`);
  if (status !== 0) throw new Error(stderr);
}

async function start(config = 'portcullis.yaml') {
  const began = performance.now();
  const [command, ...rest] = portcullis('run', '--config', `measured/${config}`);
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  const log = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log.text += text;
  });
  while (!log.text.includes('"event":"ready"')) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log.text}`);
    await Promise.race([once(child.stderr, 'data'), once(child, 'exit')]);
  }
  const readyMs = Math.round(performance.now() - began);
  const port = Number(/"listen":"127\.0\.0\.1:(\d+)"/.exec(log.text)[1]);
  const pid = innermost(child.pid);
  return { child, pid, readyMs, cpuMs: processorMs(pid), port, said: () => log.text };
}

/** Of a process so far: on a busy machine this says more than the time it took. */
function processorMs(pid) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

function mebibytes(pids, field) {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm');
  const each = pids.map((pid) => Number(kilobytes.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]));
  return Math.round(each.reduce((all, one) => all + one, 0) / 1024);
}

/** Requests without a pause on 16 connections, until no connection is to be had any more. */
async function load(port, onAnswer) {
  const read = (name) => readFileSync(join(folder, 'web', name));
  const credential = { cert: read('svid.pem'), key: read('svid.key'), ca: read('bundle.pem'), servername: 'localhost' };
  const count = { answered: 0, crossed: 0, refused: 0 };
  async function lane() {
    const agent = new Agent({ ...credential, keepAlive: true, maxSockets: 1 });
    for (;;) {
      const outcome = await one(agent, port);
      count[outcome] = (count[outcome] ?? 0) + 1;
      onAnswer(count);
      if (outcome === 'refused') break;
    }
    agent.destroy();
  }
  await Promise.all(Array.from({ length: 16 }, lane));
  return count;
}

/**
 * `refused`: no connection was to be had. `crossed`: the connection was closed while the request was on its way to it, which
 * RFC 9112 section 9.3.1 lets a client send again; that nobody judged it is what the audit shows. `lost`: an answer broke off.
 */
function one(agent, port) {
  return new Promise((resolve) => {
    const outgoing = request(
      { agent, host: '127.0.0.1', port, path: '/orders/42', headers: { host: `localhost:${port}` } },
      (response) => {
        response
          .on('end', () => resolve(response.statusCode === 200 ? 'answered' : `status ${response.statusCode}`))
          .on('error', () => resolve('lost'))
          .resume();
      },
    );
    outgoing.on('error', ({ code }) => resolve(code === 'ECONNREFUSED' ? 'refused' : 'crossed')).end();
  });
}

/** How many requests have a record of having been allowed. */
function allowed() {
  const audit = join(folder, 'measured/audit');
  const files = readdirSync(audit, { recursive: true }).filter((path) => path.endsWith('.ndjson'));
  return files.flatMap((path) => readFileSync(join(audit, path), 'utf8').match(/"type":"authz\.allow"/g) ?? []).length;
}

async function terminateUnderLoad({ child, pid, port }) {
  let told = false;
  const before = allowed();
  const count = await load(port, ({ answered }) => {
    if (answered < 500 || told) return;
    told = true;
    process.kill(pid, 'SIGTERM');
  });
  const code = child.exitCode ?? (await once(child, 'exit'))[0];
  const judged = allowed() - before;
  const { answered, crossed, refused, ...others } = count;
  console.log(`SIGTERM under load: ${judged} allowed, ${answered} answered, ${crossed} crossed, exit code ${code}`);
  if (Object.keys(others).length > 0) console.error(`and what should not be: ${JSON.stringify(others)}`);
  return Object.keys(others).length === 0 && judged === answered && refused > 0 && code === 0;
}

/** Somebody has verified the image and signed its list: a start compares, and refuses what is another. */
async function startSigned() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const inFolder = (name) => join(folder, 'measured', name);
  writeFileSync(inFolder('key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(inFolder('sums.sig'), sign('sha256', readFileSync(join(rootfs, 'portcullis/SHA256SUMS')), privateKey));
  const section = 'profile: regulated\ninstallation: { public_key: ./key.pem, signature: ./sums.sig }\n';
  writeFileSync(inFolder('signed.yaml'), readFileSync(inFolder('portcullis.yaml'), 'utf8') + section);
  const { child, pid, readyMs, said } = await start('signed.yaml');
  process.kill(pid, 'SIGTERM');
  await once(child, 'exit');
  console.log(`signed: ready after ${readyMs} ms; ${/\d+ own files are as signed/.exec(said())?.[0]}`);

  const changed = join(rootfs, 'portcullis/proxy/data/thread.js');
  const before = readFileSync(changed);
  writeFileSync(changed, `${before} `);
  const refused = run('run', '--config', 'measured/signed.yaml');
  writeFileSync(changed, before);
  console.log(`with one byte more: exit code ${refused.status}; ${refused.stderr.trim().split('\n').at(-2)}`);
  if (refused.status !== 3 || !refused.stderr.includes('thread.js is another')) throw new Error(refused.stderr);
}

/** The demo's own configuration, with a state of its own, and the smallest workload there is behind it. */
async function prepare() {
  const workload = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(workload, 'listening');
  workload.unref();
  cpSync(join(folder, '.portcullis/demo'), join(folder, 'measured'), { recursive: true });
  const file = join(folder, 'measured/portcullis.yaml');
  const text = readFileSync(file, 'utf8')
    .replace(/^listen: .*$/m, 'listen: 127.0.0.1:0')
    .replace(/^workload: .*$/m, `workload: 127.0.0.1:${workload.address().port}`);
  writeFileSync(file, text);
  const id = 'spiffe://demo.test/ns/shop/sa/web';
  const { status, stderr } = run('ca', 'issue', '--state', 'measured/state', '--id', id, '--out', 'web');
  if (status !== 0) throw new Error(stderr);
}

let code = 1;
try {
  demo();
  await prepare();
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    const { child, pid, readyMs, cpuMs } = await start();
    times.push(`${readyMs} (${cpuMs})`);
    process.kill(pid, 'SIGTERM');
    await once(child, 'exit');
  }
  console.log(`start to ready, and processor time in it: ${times.join(', ')} ms`);
  await startSigned();
  const proxy = await start();
  await wait(3000);
  const pids = processTree(proxy.pid);
  console.log(
    `idle: ${mebibytes(pids, 'Rss')} MiB resident in ${pids.length} process(es), of which ${mebibytes(pids, 'Private_Dirty')} MiB are theirs alone and no file's`,
  );
  code = (await terminateUnderLoad(proxy)) ? 0 : 1;
} catch (cause) {
  console.error(String(cause.message ?? cause));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
