import { launch, writeCertificates, writeConfig } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer, Setup } from '../peer.ts';
import { programPath } from '../programs.ts';
import type { Bench } from '../../run.ts';

export const haproxy: Peer = {
  name: 'haproxy',
  work: [],
  does: 'mutual TLS, forwarding',
  programs: ['haproxy'],
  start: (t, setup) => start(t, 'haproxy/forward.cfg', setup),
};

export const haproxyLimitAndLog: Peer = {
  name: 'haproxy-limit-log',
  work: ['limit', 'log'],
  does: 'mutual TLS, forwarding, rate limit for each certificate, access log',
  programs: ['haproxy'],
  start: (t, setup) => start(t, 'haproxy/limit-and-log.cfg', setup),
};

async function start(t: Bench, template: string, setup: Setup) {
  const { folder, workloadPort, limitPerSecond, threads } = setup;
  const port = await freePort();
  writeCertificates(setup);
  const values = { PORT: port, WORKLOAD: workloadPort, LIMIT: limitPerSecond, THREADS: threads };
  const words = ['-db', '-f', writeConfig(folder, template, values)];
  const pid = await launch(t, { command: programPath('haproxy'), words, folder, port });
  return { port, pids: [pid] };
}
