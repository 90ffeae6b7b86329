import { KeyObject, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, certificateToPem } from '../certificate.ts';
import { CertsError } from '../errors.ts';
import { parseTrustDomain, type TrustDomain } from '../spiffe-id.ts';
import { signCrl } from '../sign-crl.ts';
import { parseCertificatesPem } from '../parse-certificate.ts';
import type { SigningKey } from '../x509.ts';
import { generateKeyPair, type KeyAlgorithm, keyFromPem, keyToPem } from './key-pair.ts';
import { type Signer, signIntermediate, signRoot } from './profile.ts';
import { checkPrivateFolder, checkSecret, exists, readSecret, syncFolder, writeDurably } from './secret-files.ts';

/** The CA as it lies in `STATE/ca/`. The root's key is not here: it is needed for new intermediates only. */
export type CaState = {
  readonly folder: string;
  readonly trustDomain: TrustDomain;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly root: Certificate;
  readonly intermediate: Signer;
};

export type NewCa = {
  readonly trustDomain: TrustDomain;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly passphrase: string | undefined;
  readonly nowMs: number;
};

const newFolderPrefix = 'ca.new-';

export function caFolder(stateFolder: string): string {
  return join(stateFolder, 'ca');
}

export function hasCa(stateFolder: string): Promise<boolean> {
  return exists(stateFolder, 'ca');
}

/** The folder appears under its name only when all of it is on the disk; a creation that was cut short leaves none. */
export async function createCa(stateFolder: string, ca: NewCa): Promise<void> {
  await removeLeftovers(stateFolder);
  const folder = join(stateFolder, newFolderPrefix + randomBytes(6).toString('hex'));
  await mkdir(folder, { mode: 0o700 });
  for (const [name, content] of Object.entries(await newCaFiles(ca))) await writeDurably(join(folder, name), content);
  await rename(folder, caFolder(stateFolder));
  await syncFolder(stateFolder);
}

async function newCaFiles({ trustDomain, keyAlgorithm, passphrase, nowMs }: NewCa): Promise<Record<string, string>> {
  const rootKey = await generateKeyPair(keyAlgorithm);
  const key = await generateKeyPair(keyAlgorithm);
  const root = { certificate: await signRoot(trustDomain, rootKey, nowMs), key: rootKey };
  const intermediate = await signIntermediate(trustDomain, key, root, nowMs);
  return {
    'root.key': keyToPem(rootKey, passphrase),
    'root.pem': certificateToPem(root.certificate),
    'root-crl.pem': await emptyCrl(root, nowMs),
    'intermediate.key': keyToPem(key, passphrase),
    'intermediate.pem': certificateToPem(intermediate),
    'ca.json': `${JSON.stringify({ version: 1, trustDomain, keyAlgorithm })}\n`,
  };
}

/** OpenSSL with CRLs switched on wants one of every issuer in the path, also of the root. */
function emptyCrl({ certificate, key }: Signer, nowMs: number): Promise<string> {
  const { notBeforeMs, notAfterMs } = certificate;
  const thisUpdateMs = Math.max(notBeforeMs, nowMs - 60_000);
  return signCrl({ issuer: certificate, thisUpdateMs, nextUpdateMs: notAfterMs, revoked: [] }, key);
}

async function removeLeftovers(stateFolder: string): Promise<void> {
  for (const name of await readdir(stateFolder)) {
    if (name.startsWith(newFolderPrefix)) await rm(join(stateFolder, name), { recursive: true });
  }
}

/** Throws CertsError for whatever is missing, damaged, exposed or does not belong together. */
export async function loadCa(stateFolder: string, passphrase: string | undefined): Promise<CaState> {
  const folder = caFolder(stateFolder);
  await checkPrivateFolder(folder);
  const { trustDomain, keyAlgorithm } = readDescription(await readPart(folder, 'ca.json'), folder);
  const root = await readCertificate(folder, 'root.pem');
  const certificate = await readCertificate(folder, 'intermediate.pem');
  // The root key may be kept elsewhere; where it is here, it must be ours alone.
  if (await exists(folder, 'root.key')) await checkSecret(join(folder, 'root.key'));
  const keyFile = join(folder, 'intermediate.key');
  const key = keyFromPem(await readSecret(keyFile, 'state-incomplete'), keyAlgorithm, keyFile, passphrase);
  checkBelongTogether(folder, root, certificate, key);
  return { folder, trustDomain, keyAlgorithm, root, intermediate: { certificate, key } };
}

function checkBelongTogether(folder: string, root: Certificate, intermediate: Certificate, key: SigningKey): void {
  if (!intermediate.openssl.checkIssued(root.openssl) || !intermediate.openssl.verify(root.openssl.publicKey)) {
    throw new CertsError('state-incomplete', `intermediate.pem in ${folder} was not issued by root.pem`);
  }
  if (!matches(intermediate, key)) {
    throw new CertsError('key-mismatch', `intermediate.key in ${folder} does not belong to intermediate.pem`);
  }
}

function matches(certificate: Certificate, { privateKey }: SigningKey): boolean {
  return certificate.openssl.checkPrivateKey(KeyObject.from(privateKey));
}

function readDescription(text: string, folder: string): Pick<CaState, 'trustDomain' | 'keyAlgorithm'> {
  try {
    const { version, trustDomain, keyAlgorithm } = JSON.parse(text) as Record<string, unknown>;
    if (version !== 1 || (keyAlgorithm !== 'P-256' && keyAlgorithm !== 'P-384')) throw new Error('unknown content');
    return { trustDomain: parseTrustDomain(String(trustDomain)), keyAlgorithm };
  } catch (cause) {
    throw new CertsError('state-incomplete', `ca.json in ${folder} is damaged`, { cause });
  }
}

async function readCertificate(folder: string, name: string): Promise<Certificate> {
  const pem = await readPart(folder, name);
  try {
    const [certificate, ...more] = parseCertificatesPem(pem);
    if (certificate === undefined || more.length > 0) throw new Error('not one certificate');
    return certificate;
  } catch (cause) {
    throw new CertsError('state-incomplete', `${name} in ${folder} is damaged`, { cause });
  }
}

function readPart(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
    throw new CertsError('state-incomplete', `${name} in ${folder} cannot be read`, { cause });
  });
}
