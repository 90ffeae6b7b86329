import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { writeSvid } from '../../certs/local-ca/write-svid.ts';
import { parseSpiffeId, parseTrustDomain } from '../../certs/spiffe-id.ts';
import type { Credentials } from './client.ts';
import type { DemoFolder } from './folder.ts';
import type { DemoClient } from './scenarios.ts';

const trustDomain = parseTrustDomain('demo.test');
/** `identity.spiffe_id` of portcullis.yaml. */
export const proxySpiffeId = 'spiffe://demo.test/ns/shop/sa/orders';
const known = {
  web: 'spiffe://demo.test/ns/shop/sa/web',
  reports: 'spiffe://demo.test/ns/shop/sa/reports',
  stranger: 'spiffe://demo.test/ns/lab/sa/notebook',
};
/** Long enough for the printed curl lines to work all day. */
const lifetimeMs = 24 * 60 * 60 * 1000;

export type DemoIdentities = {
  /** PEM of the root that vouches for the proxy. */
  readonly root: string;
  readonly credentials: Readonly<Record<DemoClient, Credentials>>;
};

/** Where the certificate, key and root of a client lie. */
export function clientFiles(folder: DemoFolder, client: DemoClient) {
  const at = join(folder.path, 'clients', client);
  return { certificate: join(at, 'svid.pem'), key: join(at, 'svid.key'), root: join(at, 'bundle.pem') };
}

/** Opens or creates the proxy's CA and one of somebody else, and gives each client a fresh SVID. */
export async function issueIdentities(folder: DemoFolder, now: () => number): Promise<DemoIdentities> {
  await issueAll(folder, folder.stateFolder, known, now);
  // The same trust domain and the same name, but another root: what a forger can make for himself.
  await issueAll(folder, join(folder.path, 'foreign-ca'), { foreign: known.web }, now);
  return {
    root: readFileSync(clientFiles(folder, 'web').root, 'utf8'),
    credentials: {
      web: credentials(folder, 'web'),
      reports: credentials(folder, 'reports'),
      stranger: credentials(folder, 'stranger'),
      foreign: credentials(folder, 'foreign'),
      nobody: {},
    },
  };
}

async function issueAll(
  folder: DemoFolder,
  stateFolder: string,
  clients: Readonly<Record<string, string>>,
  now: () => number,
): Promise<void> {
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm: 'P-256', now });
  try {
    for (const [client, id] of Object.entries(clients)) {
      const material = await ca.issue({ spiffeId: parseSpiffeId(id), lifetimeMs });
      await writeSvid(join(folder.path, 'clients', client), material, ca.trustBundle());
    }
  } finally {
    ca.close();
  }
}

function credentials(folder: DemoFolder, client: DemoClient): Credentials {
  const { certificate, key } = clientFiles(folder, client);
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}
