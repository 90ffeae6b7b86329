import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Crl, readCrlsPem, revokedSerials } from '../crl.ts';
import { CertsError } from '../errors.ts';
import { signCrl } from '../sign-crl.ts';
import type { Register } from './register.ts';
import { exists, writeDurably } from './secret-files.ts';
import type { CaState } from './state.ts';

const dayMs = 86_400_000;
/** Long enough for a proxy that stands still over holidays; what is revoked reaches the file at once. */
const crlLifetimeMs = 30 * dayMs;

export function crlFile({ folder }: CaState): string {
  return join(folder, 'crl.pem');
}

/** Signs a new CRL when the one there is a day old or does not say what the register says. Needs the register's lock. */
export async function refreshCrl(state: CaState, register: Register, nowMs: number): Promise<void> {
  const revoked = register
    .list()
    .flatMap(({ serial, revokedAtMs: atMs }) => (atMs === undefined ? [] : [{ serial, atMs }]));
  const crl = await readCrl(state);
  if (crl !== undefined && isFresh(crl, nowMs) && lists(crl, revoked)) return;
  const { certificate, key } = state.intermediate;
  const nextUpdateMs = Math.min(nowMs + crlLifetimeMs, certificate.notAfterMs);
  const pem = await signCrl({ issuer: certificate, thisUpdateMs: nowMs, nextUpdateMs, revoked }, key);
  await writeDurably(crlFile(state), pem);
}

function isFresh({ thisUpdateMs }: Crl, nowMs: number): boolean {
  return thisUpdateMs <= nowMs && nowMs < thisUpdateMs + dayMs;
}

function lists(crl: Crl, revoked: readonly { readonly serial: string }[]): boolean {
  const listed = new Set(revokedSerials(crl));
  return listed.size === revoked.length && revoked.every(({ serial }) => listed.has(serial));
}

/** Undefined also for a damaged file: the register knows all that stood in it. */
async function readCrl(state: CaState): Promise<Crl | undefined> {
  if (!(await exists(state.folder, 'crl.pem'))) return undefined;
  try {
    return readCrlsPem(await readFile(crlFile(state), 'utf8'))[0];
  } catch (error) {
    if (error instanceof CertsError) return undefined;
    throw error;
  }
}
