import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyFromPem } from '../../certs/local-ca/key-pair.ts';
import { caFolder, loadCa } from '../../certs/local-ca/state.ts';
import { type Pki, pkiOf } from '../pki/pki.ts';

/**
 * The authorities that a running proxy trusts, signing whatever a test wants. A leaf made with them is refused for the
 * one rule that it breaks, never for who signed it.
 */
export async function proxyPki(proxyFolder: string, nowMs = Date.now()): Promise<Pki> {
  const stateFolder = join(proxyFolder, 'state');
  const { trustDomain, keyAlgorithm, root, intermediate } = await loadCa(stateFolder, undefined);
  const rootKeyFile = join(caFolder(stateFolder), 'root.key');
  const rootKey = keyFromPem(readFileSync(rootKeyFile, 'utf8'), keyAlgorithm, rootKeyFile);
  return pkiOf({ trustDomain, nowMs, root: { certificate: root, key: rootKey }, intermediate });
}
