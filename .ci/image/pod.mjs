// Runs the pod of deploy/kubernetes/overlays/local-ca without a cluster, as its manifest has it: users and groups, volumes as
// kubelet makes them, read-only roots, the sidecar first, and the workload when the startup probe has succeeded. Then it asks,
// edits the policy, and stops both as kubelet does. Usage, as root: node pod.mjs ROOTFS IMAGE_CONFIG_JSON
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
// oxlint-disable-next-line no-restricted-imports -- a tool of this repository, which reads what is written in it.
import { parseAllDocuments } from 'yaml';
import { renderedFile } from '../kubernetes.mjs';
import { innermost } from './confine.mjs';
import { createNetwork } from './network.mjs';

const rootfs = resolve(process.argv[2]);
const image = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const portcullis = fileURLToPath(new URL('../../proxy/cli/portcullis', import.meta.url));
const resources = parseAllDocuments(readFileSync(renderedFile('local-ca'), 'utf8')).map((each) => each.toJS());
const find = (kind) => resources.find((each) => each.kind === kind);
const { spec: pod } = find('Deployment').spec.template;
const { data: config } = find('ConfigMap');
const [sidecar] = pod.initContainers;
const [workload] = pod.containers;
const folder = mkdtempSync('/dev/shm/portcullis-pod-');
const network = createNetwork(
  { networks: { pods: {} }, services: { pod: { networks: ['pods'] }, client: { networks: ['pods'] } } },
  new Map(),
);
const running = [];
let versions = 0;

/** Files as kubelet projects them: links through `..data`, which is exchanged for all of them at once. */
function project(volume, files, mode) {
  const version = `..${(versions += 1)}`;
  mkdirSync(join(volume, version), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const file = join(volume, version, name);
    writeFileSync(file, content);
    chownSync(file, 0, pod.securityContext.fsGroup);
    chmodSync(file, mode);
    if (!existsSync(join(volume, '..data'))) symlinkSync(`..data/${name}`, join(volume, name));
  }
  symlinkSync(version, join(volume, '..new'));
  renameSync(join(volume, '..new'), join(volume, '..data'));
}

function makeVolumes(svid) {
  for (const { name, configMap, secret, emptyDir } of pod.volumes) {
    const volume = join(folder, name);
    mkdirSync(volume);
    if (configMap) project(volume, config, 0o644);
    if (secret) project(volume, svid, secret.defaultMode);
    if (emptyDir === undefined) continue;
    chownSync(volume, 0, pod.securityContext.fsGroup);
    // What kubelet gives an emptyDir with an fsGroup.
    chmodSync(volume, 0o2777);
  }
}

/** A container's command line: namespaces and mounts of its own, then nothing but its user and groups. */
function container({ securityContext: own, volumeMounts = [] }, words) {
  const { runAsUser: user, runAsGroup: group = user, readOnlyRootFilesystem, allowPrivilegeEscalation } = own;
  if (!readOnlyRootFilesystem || allowPrivilegeEscalation) throw new Error('this container is not confined');
  const mounts = volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
    mkdirSync(join(rootfs, mountPath), { recursive: true });
    const target = join(rootfs, mountPath);
    return [
      `mount --bind ${join(folder, name)} ${target}`,
      ...(readOnly ? [`mount -o remount,bind,ro ${target}`] : []),
    ];
  });
  const script = [
    'set -e',
    'mount --make-rprivate /',
    `mount --bind ${rootfs} ${rootfs}`,
    `mount -o remount,bind,ro ${rootfs}`,
    `mount -t proc proc ${rootfs}/proc`,
    `mount --rbind /dev ${rootfs}/dev`,
    ...mounts,
    `exec setpriv --no-new-privs env -i "$E" "$(command -v chroot)" --userspec=${user}:${group} --groups=${group},${pod.securityContext.fsGroup} ${rootfs} "$@"`,
  ].join('\n');
  const isolated = [
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--ipc',
    '--uts',
    'sh',
    '-c',
    script,
    'sh',
  ];
  return ['netns', 'exec', network.namespaceOf('pod'), ...isolated, ...words];
}

const environment = { ...process.env, E: image.Env.find((each) => each.startsWith('NODE_COMPILE_CACHE=')) };

function start(spec) {
  const words = [...(spec.command ?? image.Entrypoint), ...(spec.args ?? image.Cmd)];
  const child = spawn('ip', container(spec, words), { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  const started = { name: spec.name, child, said: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => (started.said += text));
  running.push(started);
  return started;
}

async function untilStarted(spec, { child }) {
  const began = performance.now();
  const { exec, failureThreshold } = spec.startupProbe;
  for (let tries = 0; spawnSync('ip', container(spec, exec.command), { env: environment }).status !== 0; tries += 1) {
    if (child.exitCode !== null || tries > failureThreshold) throw new Error(`${spec.name} did not start`);
    await wait(100);
  }
  console.log(`${spec.name} has started after ${Math.round(performance.now() - began)} ms`);
}

/** The answer of curl in the network of the pods: status and body. */
function ask(as, url) {
  const file = (name) => join(folder, as, name);
  const words = ['--cacert', file('bundle.pem'), '--cert', file('svid.pem'), '--key', file('svid.key')];
  const curl = [
    'curl',
    '-s',
    '-m',
    '5',
    '-w',
    ' %{http_code}',
    '--resolve',
    `localhost:8443:${address}`,
    ...words,
    url,
  ];
  return spawnSync('ip', ['netns', 'exec', network.namespaceOf('client'), ...curl], { encoding: 'utf8' }).stdout;
}

function expectAnswer(as, url, wanted) {
  const got = ask(as, url);
  console.log(`${as} asks ${url}: ${got.replaceAll('\n', '')}`);
  if (!wanted.test(got)) throw new Error(`this is not ${wanted}`);
}

async function editPolicy() {
  const began = performance.now();
  project(
    join(folder, 'portcullis-config'),
    { ...config, 'authz.rego': config['authz.rego'].replace('sa/web', 'sa/other') },
    0o644,
  );
  while (!ask('web', 'https://localhost:8443/orders').endsWith(' 403')) {
    if (performance.now() - began > 30_000) throw new Error('the edit of the policy is not in force after 30 s');
    await wait(20);
  }
  console.log(`an edit of the policy is in force after ${Math.round(performance.now() - began)} ms`);
}

function issue(name, path) {
  const words = [
    'ca',
    'issue',
    '--state',
    join(folder, 'ca'),
    '--id',
    `spiffe://shop.test/${path}`,
    '--dns',
    'localhost',
  ];
  execFileSync(portcullis, [...words, '--out', join(folder, name)], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function stop({ name, child }) {
  const ended = new Promise((done) => child.once('exit', done));
  process.kill(innermost(child.pid), 'SIGTERM');
  const code = await ended;
  console.log(`${name} ended with ${code}`);
  if (code !== 0) throw new Error('that is not 0');
}

const address = network.hosts().match(/^(\S+) pod$/m)[1];
let code = 1;
try {
  execFileSync(portcullis, ['ca', 'init', '--state', join(folder, 'ca'), '--trust-domain', 'shop.test'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  issue('orders', 'ns/shop/sa/orders');
  issue('web', 'ns/shop/sa/web');
  issue('reports', 'ns/shop/sa/reports');
  const own = (name) => readFileSync(join(folder, 'orders', name));
  makeVolumes({ 'tls.crt': own('svid.pem'), 'tls.key': own('svid.key'), 'ca.crt': own('bundle.pem') });
  const proxy = start(sidecar);
  await untilStarted(sidecar, proxy);
  const service = start(workload);
  while (ask('web', 'https://localhost:8443/orders').endsWith(' 502')) await wait(50);
  expectAnswer('web', 'https://localhost:8443/orders', /"for":"spiffe:\/\/shop.test\/ns\/shop\/sa\/web"\} 200$/);
  expectAnswer('reports', 'https://localhost:8443/orders', /forbidden.* 403$/s);
  expectAnswer('web', `http://${address}:8080/orders`, /^ 000$/);
  await editPolicy();
  // The workload first, as kubelet does; the sidecar is what ends last.
  await stop(service);
  await stop(proxy);
  code = 0;
} catch (cause) {
  console.error(String(cause.message ?? cause));
  for (const { name, said } of running) console.error(`${name}: ${said}`);
} finally {
  for (const { child } of running) if (child.exitCode === null) child.kill('SIGKILL');
  network.remove();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
