import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credential, Pki } from './pki.ts';

/** Paths of the three files below a folder, as `identity.files` names them. */
export function svidFilesIn(folder: string) {
  return {
    certificate: join(folder, 'svid.pem'),
    key: join(folder, 'svid.key'),
    bundle: join(folder, 'bundle.pem'),
  };
}

/** In place, one after the other, as spiffe-helper writes them. */
export function writeSvidFiles(
  folder: string,
  { certPem, keyPem }: Pick<Credential, 'certPem' | 'keyPem'>,
  bundlePem: string,
): void {
  const files = svidFilesIn(folder);
  writeFileSync(files.certificate, certPem);
  writeFileSync(files.key, keyPem, { mode: 0o600 });
  chmodSync(files.key, 0o600);
  writeFileSync(files.bundle, bundlePem);
}

/** As a Kubernetes volume: the names are links through `..data`, a link that is exchanged for all of them at once. */
export function swapSvidVolume(folder: string, version: string, credential: Credential, pki: Pki): void {
  mkdirSync(join(folder, version));
  writeSvidFiles(join(folder, version), credential, pki.caPem);
  symlinkSync(version, join(folder, '..data.new'));
  renameSync(join(folder, '..data.new'), join(folder, '..data'));
  for (const file of Object.values(svidFilesIn(folder))) {
    rmSync(file, { force: true });
    symlinkSync(join('..data', file.slice(folder.length + 1)), file);
  }
}
