import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateToPem } from '../certificate.ts';
import { CertsError } from '../errors.ts';
import type { JwtKey, SpiffeBundle } from '../spiffe-bundle.ts';
import { type TrustBundleData, trustBundleData } from '../trust-bundle.ts';
import { exists, writeDurably } from './secret-files.ts';
import type { CaState } from './state.ts';

export function readBundle(state: CaState): TrustBundleData {
  const rootsPem = certificateToPem(state.root);
  const crlsPem = ['root-crl.pem', 'crl.pem'].map((name) => readList(state.folder, name)).join('');
  return trustBundleData([{ trustDomain: state.trustDomain, rootsPem, crlsPem }]);
}

function readList(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch (cause) {
    throw new CertsError('state-incomplete', `${name} in ${folder} cannot be read`, { cause });
  }
}

const sequenceFile = 'bundle-sequence.json';

type Published = { readonly sha256: string; readonly sequence: number };

/** Needs the register's lock: two processes on one folder must say the same. */
export async function publicBundle(state: CaState, jwks: string, nowMs: number): Promise<SpiffeBundle> {
  const rootsPem = [certificateToPem(state.root)];
  const { keys: jwtKeys } = JSON.parse(jwks) as { readonly keys: readonly JwtKey[] };
  const sha256 = createHash('sha256')
    .update(JSON.stringify([rootsPem, jwtKeys]))
    .digest('hex');
  const last = await readPublished(state.folder);
  const isSame = last?.sha256 === sha256;
  // Seconds since the epoch to begin with: a CA that is made anew for the same domain is not behind the old one.
  const sequence = isSame ? last.sequence : Math.max((last?.sequence ?? 0) + 1, Math.floor(nowMs / 1000));
  if (!isSame) await writeDurably(join(state.folder, sequenceFile), `${JSON.stringify({ sha256, sequence })}\n`);
  return { rootsPem, jwtKeys, sequence, refreshHintMs: undefined };
}

/** Undefined where nothing was published yet. One that is damaged is not: who has fetched a bundle refuses a lower sequence. */
async function readPublished(folder: string): Promise<Published | undefined> {
  if (!(await exists(folder, sequenceFile))) return undefined;
  const text = await readFile(join(folder, sequenceFile), 'utf8');
  const [, sha256, sequence] = /^\{"sha256":"([0-9a-f]{64})","sequence":([0-9]{1,15})\}\n$/.exec(text) ?? [];
  if (sha256 === undefined) {
    throw new CertsError(
      'state-incomplete',
      `${sequenceFile} in ${folder} is damaged; without it, a new one begins at the time`,
    );
  }
  return { sha256, sequence: Number(sequence) };
}
