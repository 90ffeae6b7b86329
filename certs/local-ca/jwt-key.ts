import { join } from 'node:path';
import type { SigningKey } from '../x509.ts';
import { generateKeyPair, keyFromPem, keyToPem } from './key-pair.ts';
import { exists, readSecret, writeDurably } from './secret-files.ts';
import type { CaState } from './state.ts';

const name = 'jwt.key';

/** The key that signs JWT-SVIDs, kept as that of the issuing CA is. Undefined while nobody has asked for one. */
export async function readJwtKey(state: CaState, passphrase?: string): Promise<SigningKey | undefined> {
  if (!(await exists(state.folder, name))) return undefined;
  const file = join(state.folder, name);
  return keyFromPem(await readSecret(file, 'state-incomplete'), state.keyAlgorithm, file, passphrase);
}

/** Needs the register's lock: two processes must not make one each. */
export async function createJwtKey(state: CaState, passphrase?: string): Promise<SigningKey> {
  const key = await generateKeyPair(state.keyAlgorithm);
  await writeDurably(join(state.folder, name), keyToPem(key, passphrase));
  return key;
}
