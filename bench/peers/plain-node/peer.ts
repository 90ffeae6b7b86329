import { join } from 'node:path';
import { launch, writeCertificates } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer } from '../peer.ts';

export const plainNode: Peer = {
  name: 'plain-node',
  work: ['spiffe-id'],
  does: 'mutual TLS by node:https, forwarding by undici',
  programs: [],
  start: async (t, setup) => {
    const { folder, workloadPort } = setup;
    const port = await freePort();
    writeCertificates(setup);
    const files = ['server.crt', 'server.key', 'roots.crt'];
    const words = [join(import.meta.dirname, 'proxy.ts'), String(port), `127.0.0.1:${workloadPort}`, ...files];
    const pid = await launch(t, { command: process.execPath, words, folder, port });
    return { port, pids: [pid] };
  },
};
