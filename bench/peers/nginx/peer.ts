import { launch, writeCertificates, writeConfig } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer, Setup } from '../peer.ts';
import { programPath } from '../programs.ts';
import type { Bench } from '../../run.ts';

export const nginx: Peer = {
  name: 'nginx',
  work: [],
  does: 'mutual TLS, forwarding',
  programs: ['nginx'],
  start: (t, setup) => start(t, 'nginx/forward.conf', setup),
};

export const nginxLimitAndLog: Peer = {
  name: 'nginx-limit-log',
  work: ['limit', 'log'],
  does: 'mutual TLS, forwarding, rate limit for each certificate, access log',
  programs: ['nginx'],
  start: (t, setup) => start(t, 'nginx/limit-and-log.conf', setup),
};

async function start(t: Bench, template: string, setup: Setup) {
  const { folder, workloadPort, limitPerSecond, threads } = setup;
  const port = await freePort();
  writeCertificates(setup);
  const values = { PORT: port, WORKLOAD: workloadPort, LIMIT: limitPerSecond, THREADS: threads };
  const words = ['-e', 'stderr', '-p', `${folder}/`, '-c', writeConfig(folder, template, values)];
  const pid = await launch(t, { command: programPath('nginx'), words, folder, port });
  return { port, pids: [pid], reload: () => process.kill(pid, 'SIGHUP') };
}
