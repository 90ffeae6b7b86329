import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { parseSpiffeId, parseTrustDomain } from '../../certs/spiffe-id.ts';
import type { Credential } from '../load/target.ts';
import type { Bench } from '../run.ts';

const domain = 'mesh.example';

/** One CA for every peer of a run, so that all of them admit the same clients. */
export type PeerPki = {
  readonly rootsPem: string;
  /** What the peers show to clients. */
  readonly server: Credential;
  readonly issue: (spiffeId: string) => Promise<Credential>;
  /** Gives Portcullis, which signs its own certificates, the same CA. */
  readonly copyCa: (stateFolder: string) => void;
};

export async function createPki(t: Bench, folder: string): Promise<PeerPki> {
  const stateFolder = join(folder, 'ca');
  const trustDomain = parseTrustDomain(domain);
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm: 'P-256', now: Date.now });
  t.teardown(() => ca.close());
  const issue = async (spiffeId: string): Promise<Credential> => {
    const { chainPem, keyPem } = await ca.issue({ spiffeId: parseSpiffeId(spiffeId), lifetimeMs: 24 * 3_600_000 });
    return { certPem: chainPem, keyPem };
  };
  const rootsPem = ca
    .trustBundle()
    .flatMap(({ rootsPem: roots }) => roots)
    .join('\n');
  const server = await issue(`spiffe://${domain}/ns/app/sa/gateway`);
  return { rootsPem, server, issue, copyCa: (to) => cpSync(stateFolder, to, { recursive: true }) };
}

/** The identity that every rule of the policy admits. */
export const clientId = `spiffe://${domain}/ns/bench/sa/client`;
/** Of the same CA, and admitted by no rule. */
export const strangerId = `spiffe://${domain}/ns/bench/sa/stranger`;
