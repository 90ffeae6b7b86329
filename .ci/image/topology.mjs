// Runs those services of compose.yaml that are of our image without a container engine: a network namespace for each, joined by bridges as its
// networks say, and bubblewrap over the unpacked image, with what compose.yaml asks for: a read-only root, no capability, its
// volumes, its health checks and its order. Then its `client`, whose exit code is the answer.
// Usage, as root: [OTELCOL=FILE] node topology.mjs ROOTFS IMAGE_CONFIG_JSON, where FILE is a collector with the components of its file.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
// oxlint-disable-next-line no-restricted-imports -- a tool of this repository, which reads what is written in it.
import { parse } from 'yaml';
import { confine, innermost } from './confine.mjs';
import { createNetwork } from './network.mjs';

const project = fileURLToPath(new URL('../..', import.meta.url));
const rootfs = resolve(process.argv[2]);
const image = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const read = (name) => parse(readFileSync(join(project, name), 'utf8'), { merge: true });
const compose = read('compose.yaml');
const ours = compose.services.client.image;
const services = new Map(Object.entries(compose.services).filter(([, service]) => service.image === ours));
const folder = mkdtempSync('/dev/shm/portcullis-topology-');
const network = createNetwork(compose, services);
const running = new Map();
const logs = new Map();

function sourceOf(volume) {
  const [source, target, mode] = volume.split(':');
  if (source.startsWith('./deploy/compose/') && target === '/etc/portcullis') {
    // A copy, because one of them is edited.
    const copy = join(folder, 'edited', source);
    cpSync(join(project, source), copy, { recursive: true });
    return { source: copy, target, mode };
  }
  if (source.startsWith('.')) return { source: join(project, source), target, mode };
  const path = join(folder, source);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { source: path, target, mode };
}

/** The command line that starts something inside what is asked for a service. */
function confined(name, words, more = []) {
  const { volumes = [], read_only: readOnly, cap_drop: dropped } = compose.services[name];
  if (readOnly !== true || String(dropped) !== 'ALL') throw new Error(`${name} is not confined`);
  const mounts = volumes.map(sourceOf).flatMap(({ source, target, mode }) => {
    // The place to mount at, which an engine makes too.
    mkdirSync(join(rootfs, target), { recursive: true });
    return [mode === 'ro' ? '--ro-bind' : '--bind', source, target];
  });
  const setup = { rootfs, image, mounts: [...mounts, ...more, '--ro-bind', join(folder, 'hosts'), '/etc/hosts'] };
  return ['netns', 'exec', network.namespaceOf(name), ...confine(setup, words)];
}

function wordsOf({ entrypoint = image.Entrypoint, command = image.Cmd }) {
  return [...entrypoint, ...command].map(String);
}

/** Keeps what it says. */
function run(name, words) {
  const child = spawn('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  logs.set(name, '');
  child.stderr.setEncoding('utf8').on('data', (text) => logs.set(name, logs.get(name) + text));
  running.set(name, child);
  return child;
}

async function start(name) {
  const service = services.get(name);
  for (const needed of Object.keys(service.depends_on ?? {})) await started(needed);
  const began = performance.now();
  const child = run(name, confined(name, wordsOf(service)));
  const check = confined(name, service.healthcheck.test.slice(1));
  while (spawnSync('ip', check).status !== 0) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${logs.get(name)}`);
    if (performance.now() - began > 60_000) throw new Error(`${name} is not healthy after a minute: ${logs.get(name)}`);
    await wait(100);
  }
  console.log(`${name} is healthy after ${Math.round(performance.now() - began)} ms`);
}

const starts = new Map();
function started(name) {
  if (!starts.has(name)) starts.set(name, start(name));
  return starts.get(name);
}

/** What a service would read of a proxy, asked from where it would be. */
function seriesOf(target, reader = 'prometheus') {
  const curl = ['curl', '-sf', '-m', '5', `http://${target}/metrics`];
  const text = execFileSync('ip', ['netns', 'exec', network.namespaceOf(reader), ...curl], { encoding: 'utf8' });
  return text.split('\n').filter((line) => line.startsWith('portcullis_'));
}

function scrape() {
  const { scrape_configs: jobs } = parse(
    readFileSync(join(project, 'deploy/compose/prometheus/prometheus.yml'), 'utf8'),
  );
  const targets = jobs.flatMap((job) => job.static_configs).flatMap((each) => each.targets);
  for (const reader of ['prometheus', 'collector']) {
    for (const target of targets) console.log(`${reader}: ${seriesOf(target, reader).length} series of ${target}`);
  }
  return targets;
}

/** What the collector would send on, by the volumes and the pattern of its file. */
function collect() {
  const { volumes, user } = compose.services.collector;
  if (user !== services.get('client').user) throw new Error('the collector is not whom the records belong to');
  const { include } = read('deploy/compose/collector/collector.yaml').receivers.filelog;
  const places = volumes.filter((volume) => volume.includes(':/audit/')).map(sourceOf);
  const counts = places.map(({ source, target }) => {
    const files = globSync(include[0].replace(/^\/audit\/\*/, source));
    const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1));
    console.log(`collector: ${lines.map((line) => JSON.parse(line)).length} records in ${target}`);
    if (lines.length === 0) throw new Error('it would have nothing to send');
    return lines.length;
  });
  return counts.reduce((all, one) => all + one, 0);
}

/** The collector itself with its file, where one is at hand: it has to take every record and the metrics of every proxy. */
async function runCollector(file, records, targets) {
  const words = ['/tmp/otelcol', ...compose.services.collector.command];
  const child = run('collector', confined('collector', words, ['--ro-bind', file, '/tmp/otelcol']));
  const sums = (name) =>
    [...logs.get('collector').matchAll(new RegExp(`"${name}": (\\d+)`, 'g'))].reduce(
      (all, [, one]) => all + Number(one),
      0,
    );
  while (sums('log records') < records || sums('resource metrics') < targets) {
    if (child.exitCode !== null) throw new Error(`the collector ended: ${logs.get('collector')}`);
    await wait(100);
  }
  console.log(`collector itself: ${sums('log records')} records, ${sums('data points')} data points`);
  await stop('collector');
  const complaints = logs
    .get('collector')
    .split('\n')
    .filter((line) => /\t(?:warn|error)\t/.test(line));
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
}

const policyFile = join(folder, 'edited/deploy/compose/orders/policy/authz.rego');
const snapshotOf = (target) => seriesOf(target).find((line) => line.startsWith('portcullis_snapshot_info'));

/** How long it takes until what was saved judges requests. */
async function editPolicy(target, edits, how) {
  const times = [];
  for (let edit = 0; edit < edits; edit += 1) {
    const before = snapshotOf(target);
    const began = performance.now();
    // No policy that was compiled before, which is kept.
    const changed = `default-deny-${Date.now()}`;
    writeFileSync(policyFile, readFileSync(policyFile, 'utf8').replace(/default-deny[-\w]*/, changed));
    while (snapshotOf(target) === before) {
      if (performance.now() - began > 60_000) throw new Error('an edit of the policy is not in force after a minute');
      await wait(20);
    }
    times.push(Math.round(performance.now() - began));
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(edits / 2)];
  console.log(`${how}, an edit of the policy is in force after ${median} ms (median of ${times.join(', ')})`);
}

/** What cannot be compiled is named in the log by file, line and column, and what was in force stays in force. */
async function breakPolicy(name, target) {
  const [good, inForce, began] = [readFileSync(policyFile, 'utf8'), snapshotOf(target), performance.now()];
  writeFileSync(policyFile, good.replace('default decision :=', 'default decision =='));
  const named = () => /authz\.rego:\d+:\d+[^"\\]*/.exec(logs.get(name))?.[0];
  while (named() === undefined) {
    if (performance.now() - began > 60_000) throw new Error('a broken policy is not in the log after a minute');
    await wait(20);
  }
  console.log(`a broken policy is in the log after ${Math.round(performance.now() - began)} ms: ${named()}`);
  if (snapshotOf(target) !== inForce) throw new Error('and it is in force');
  writeFileSync(policyFile, good);
}

/** As compose.dev.yaml starts it, which says nothing but another command. */
async function startForWriting(name) {
  await stop(name);
  const { command } = read('compose.dev.yaml').services[name];
  services.set(name, { ...services.get(name), command });
  await start(name);
}

async function stop(name) {
  const child = running.get(name);
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  process.kill(innermost(child.pid), 'SIGTERM');
  console.log(`${name} ended with ${await ended}`);
}

const others = Object.keys(compose.services).filter((name) => !services.has(name));
console.log(`not run here, being images of others: ${others.join(', ')}`);

let code = 1;
try {
  writeFileSync(join(folder, 'hosts'), network.hosts());
  for (const name of services.keys()) if (services.get(name).profiles === undefined) await started(name);
  const targets = scrape();
  const [orders] = targets;
  code = spawnSync('ip', confined('client', wordsOf(services.get('client'))), { stdio: 'inherit' }).status ?? 1;
  const records = collect();
  const { OTELCOL: otelcol } = process.env;
  if (otelcol === undefined) console.log('collector: none is at hand to take them (OTELCOL=FILE)');
  else await runCollector(otelcol, records, targets.length);
  await editPolicy(orders, 3, 'with compose.yaml');
  await startForWriting('orders-proxy');
  await editPolicy(orders, 10, 'with compose.dev.yaml');
  await breakPolicy('orders-proxy', orders);
  for (const name of [...running.keys()].reverse()) await stop(name);
} catch (cause) {
  console.error(String(cause.message ?? cause));
} finally {
  for (const child of running.values()) if (child.exitCode === null) child.kill('SIGKILL');
  network.remove();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
