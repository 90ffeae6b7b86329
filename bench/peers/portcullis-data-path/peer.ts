import { join } from 'node:path';
import { dataThreadFlags } from '../../../proxy/control/data-thread.ts';
import { launch } from '../launch.ts';
import { freePort } from '../opa.ts';
import type { Peer } from '../peer.ts';
import { writeBareConfig } from '../portcullis/peer.ts';

export const portcullisDataPath: Peer = {
  name: 'portcullis-data-path',
  work: ['spiffe-id'],
  does: "Portcullis' own mutual TLS with SPIFFE IDs, strict HTTP/1.1, normalising, routing and forwarding, and nothing else: no policy, no limit, no schema, no audit; not a product, and cannot be configured",
  programs: [],
  start: async (t, setup) => {
    const { folder } = setup;
    const port = await freePort();
    const words = [...dataThreadFlags, join(import.meta.dirname, 'proxy.ts'), writeBareConfig(setup, port)];
    const pid = await launch(t, { command: process.execPath, words, folder, port });
    return { port, pids: [pid] };
  },
};
