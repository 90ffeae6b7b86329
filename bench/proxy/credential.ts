import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, cpSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';
import type { Config } from '../../proxy/config/config.ts';
import { ProxyError } from '../../proxy/errors.ts';
import type { Credential } from '../load/target.ts';
import type { Client } from './request.ts';

/** As long as any run. */
const lifetimeMs = 24 * 3_600_000;

/**
 * Who asks, and the state that the measured proxies start with a copy of. A certificate for the run comes from a CA of the
 * run, so that nothing is added to the register of the configuration's own and its keys stay where they are; only whoever brings a
 * certificate of that CA needs a copy of it. Throws ProxyError and CertsError.
 */
export async function credentialOf(client: Client, { identity }: Config, stateFolder: string): Promise<Credential> {
  const { trustDomain, source, stateFolder: own } = identity;
  const keyAlgorithm = source.kind === 'local-ca' ? source.keyAlgorithm : 'P-256';
  if (client.kind === 'files') {
    const credential = await readCredential(client);
    // Whose identity comes from files may have no state yet.
    if (existsSync(own)) cpSync(own, stateFolder, { recursive: true });
    else mkdirSync(stateFolder, { mode: 0o700 });
    return credential;
  }
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm, now: Date.now });
  try {
    const { chainPem, keyPem } = await ca.issue({ spiffeId: parseSpiffeId(client.id), lifetimeMs });
    // Checked against their digests when they are read: a policy that is compiled already need not be compiled again.
    const compiled = join(own, 'policy-cache');
    if (existsSync(compiled)) cpSync(compiled, join(stateFolder, 'policy-cache'), { recursive: true });
    return { certPem: chainPem, keyPem };
  } finally {
    ca.close();
  }
}

async function readCredential({ certFile, keyFile }: Extract<Client, { kind: 'files' }>): Promise<Credential> {
  const [certPem, keyPem] = [await readPem(certFile), await readPem(keyFile)];
  const certificate = parsed(certFile, 'certificate', () => new X509Certificate(certPem));
  const key = parsed(keyFile, 'private key', () => createPrivateKey(keyPem));
  if (certificate.checkPrivateKey(key)) return { certPem, keyPem };
  throw unusable(`${keyFile} is not the key of the certificate in ${certFile}`);
}

async function readPem(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unusable(`${file} cannot be read (${cause.code})`);
  });
}

function parsed<T>(file: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw unusable(`${file} holds no ${what} in PEM`);
  }
}

function unusable(message: string): ProxyError {
  return new ProxyError('bench-credential-unusable', message);
}
