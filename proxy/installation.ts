import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InstallationConfig } from './config/config.ts';
import { ProxyError } from './errors.ts';

/** At the root of an installation; `sha256sum -c SHA256SUMS` reads it too. */
export const sumsName = 'SHA256SUMS';

/** Where a program lies, and which Node runs it. */
export type Installation = { readonly root: string; readonly node: string };

const installed: Installation = { root: fileURLToPath(new URL('..', import.meta.url)), node: process.execPath };
const line = /^([0-9a-f]{64}) [ *](.+)$/;
const shown = 5;
const pieceBytes = 1024 * 1024;

/**
 * Whether our own files are those that somebody with the key has signed: each is what the list says, and no other lies
 * beside them, which Node could be led to load. It is done by the files that it is about, so it finds what is damaged, mixed up
 * or changed in part, and not who has replaced the check as well (SI-7, SR-11). Resolves to what was found, in words; throws
 * ProxyError `installation-altered`.
 */
export async function verifyInstallation(
  { publicKeyFile, signatureFile }: InstallationConfig,
  { root, node }: Installation = installed,
): Promise<string> {
  const file = join(root, sumsName);
  const text = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw altered(`there is no ${file} to compare with (${cause.code})`);
  });
  const key = signingKey(await readFile(publicKeyFile), publicKeyFile);
  if (!verify('sha256', text, key, await readFile(signatureFile))) {
    throw altered(`${signatureFile} is not the signature of ${file} by the key in ${publicKeyFile}`);
  }
  const sums = readSums(text.toString('utf8'), root);
  const unsigned = [...(await filesBelow(root)), node].filter((path) => !sums.has(path));
  const apart = new Set([file, signatureFile]);
  const problems = [
    ...unsigned.filter((path) => !apart.has(path)).map((path) => `${path} is not among the signed files`),
    ...changed(sums),
  ];
  if (problems.length > 0) {
    const more = problems.length > shown ? `; and ${problems.length - shown} more` : '';
    throw altered(`${problems.slice(0, shown).join('; ')}${more}`);
  }
  return `${sums.size} own files are as signed, ${sumsName} sha256:${createHash('sha256').update(text).digest('hex')}`;
}

const altered = (message: string): ProxyError => new ProxyError('installation-altered', message);

/** One kind of key, which every profile takes (FIPS 186-5). */
function signingKey(pem: Uint8Array, file: string): KeyObject {
  try {
    const key = createPublicKey(Buffer.from(pem));
    const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
    if (['prime256v1', 'secp384r1'].includes(curve)) return key;
  } catch {
    // Said below.
  }
  throw altered(`${file} is not a public key on P-256 or P-384 in PEM`);
}

/** The digest of each file, by its absolute path. */
function readSums(text: string, root: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').slice(0, -1);
  return new Map(
    lines.map((each, index) => {
      const [, digest, path] = line.exec(each) ?? [];
      if (digest === undefined || path === undefined) throw altered(`line ${index + 1} of ${sumsName} is no digest`);
      return [resolve(root, path), digest];
    }),
  );
}

/** Everything but folders: a link, which could lead anywhere, is never among the signed. */
async function filesBelow(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.isFile() ? entry.name : `${entry.name} (no regular file)`));
}

function changed(sums: ReadonlyMap<string, string>): readonly string[] {
  const piece = new Uint8Array(pieceBytes);
  return [...sums].flatMap(([path, digest]) => {
    try {
      return digestOf(path, piece) === digest ? [] : [`${path} is another`];
    } catch (cause) {
      return [`${path}: ${(cause as NodeJS.ErrnoException).code}`];
    }
  });
}

/** In pieces, since Node itself has more than 100 MB; and at once, since thousands of files in turns take many times as long. */
function digestOf(path: string, piece: Uint8Array): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
