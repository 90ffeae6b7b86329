import { launch, writeCertificates, writeConfig } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer } from '../peer.ts';
import { programPath } from '../programs.ts';

export const caddy: Peer = {
  name: 'caddy',
  work: ['spiffe-id'],
  does: 'mutual TLS with SPIFFE IDs, forwarding',
  programs: ['caddy'],
  start: async (t, setup) => {
    const { folder, workloadPort, threads } = setup;
    const port = await freePort();
    writeCertificates(setup);
    const config = writeConfig(folder, 'caddy/Caddyfile', { PORT: port, WORKLOAD: workloadPort });
    const words = ['run', '--config', config, '--adapter', 'caddyfile'];
    // It keeps its state in the folder of the run, and not in somebody's home.
    const env = { GOMAXPROCS: String(threads), XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const pid = await launch(t, { command: programPath('caddy'), words, folder, port, env });
    return { port, pids: [pid] };
  },
};
