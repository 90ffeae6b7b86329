import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parse } from 'yaml';
import type { PodSpec } from '../../harness/pod-security.ts';

const folder = join(import.meta.dirname, '../../../deploy/kubernetes/redirect');
const rules = join(folder, 'redirect.nft');

const missing = ['nft', 'ip'].filter((tool) => spawnSync(tool, ['-V']).error !== undefined);
const cannot =
  process.getuid?.() === 0
    ? missing.length > 0 && `missing: ${missing.join(', ')} (apt-get install nftables iproute2)`
    : 'only root makes a network namespace';

const ip = (...words: readonly string[]) => execFileSync('ip', words);

/** Says its name to whoever connects, over IPv4 and IPv6. */
const listening = `
const listen = (port, name) => new Promise((up) =>
  require('node:net').createServer((socket) => socket.end(name)).listen(port, '::', up));
Promise.all([listen(8080, 'workload'), listen(8443, 'proxy'), listen(8081, 'other')]).then(() => console.log('up'));`;

/** Who answers at each place, or the code of the error. */
const asking = `
const ask = (place) => new Promise((done) => {
  const [host, port] = place.split(' ');
  require('node:net').connect(Number(port), host, () => undefined)
    .on('data', (name) => done(String(name))).on('error', ({ code }) => done(code));
});
Promise.all(process.argv.slice(1).map(ask)).then((names) => console.log(names.join()));`;

test('in the network of a pod, with the rules of deploy/kubernetes/redirect', { skip: cannot }, async (t) => {
  const [pod, outside] = [`pod${process.pid}`, `out${process.pid}`];
  t.teardown(() => {
    for (const name of [pod, outside]) spawnSync('ip', ['netns', 'del', name]);
  });
  for (const name of [pod, outside]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  ip('-n', pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
  for (const [name, host] of [
    [pod, 2],
    [outside, 1],
  ] as const) {
    ip('-n', name, 'addr', 'add', `192.0.2.${host}/24`, 'dev', 'eth0');
    ip('-n', name, 'addr', 'add', `2001:db8::${host}/64`, 'dev', 'eth0', 'nodad');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }
  const inside = (name: string, ...words: readonly string[]) => ['netns', 'exec', name, ...words];
  const servers = spawn('ip', inside(pod, process.execPath, '--eval', listening), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => servers.kill('SIGKILL'));
  await once(servers.stdout, 'data');
  const ask = (from: string, ...places: readonly string[]) =>
    execFileSync('ip', inside(from, process.execPath, '--eval', asking, ...places), { encoding: 'utf8' }).trim();

  const places = ['192.0.2.2 8080', '2001:db8::2 8080', '192.0.2.2 8443', '192.0.2.2 8081'] as const;
  t.equal(ask(outside, ...places), 'workload,workload,proxy,other', 'without them the workload is open');
  // The command of the init container; a second time as when it is run again.
  const { spec } = parse(readFileSync(join(folder, 'pod.yaml'), 'utf8')) as {
    readonly spec: { readonly template: { readonly spec: PodSpec } };
  };
  const [, ...words] = spec.template.spec.initContainers[0]?.command ?? [];
  const load = words.map((word) => (word === '/etc/redirect/redirect.nft' ? rules : word));
  for (const _ of [1, 2]) ip(...inside(pod, 'nft', ...load));
  t.equal(ask(outside, ...places), 'proxy,proxy,proxy,other', 'from outside');
  t.equal(
    ask(pod, '127.0.0.1 8080', '::1 8080', ...places),
    'workload,workload,workload,workload,proxy,other',
    'inside',
  );
  const chains = execFileSync('ip', inside(pod, 'nft', 'list', 'ruleset'), { encoding: 'utf8' });
  t.equal(chains.match(/redirect to :8443/g)?.length, 1, 'loaded twice, there once');
});
