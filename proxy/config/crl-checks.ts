import { approvedKeysText, unapprovedKey } from '../../certs/approved.ts';
import type { Certificate } from '../../certs/certificate.ts';
import { readIssuedLists, readListIssuers } from '../../certs/issued-lists.ts';
import { CertsError } from '../../certs/errors.ts';
import { parseCertificatesPem } from '../../certs/parse-certificate.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import { MAX_CRL_BYTES } from './file-checks.ts';
import type { Settings } from './options.ts';
import type { World } from './world.ts';

/** Reads what `crls` and `fetch.ca` name. That a file is there and how large it is, is looked at where all files are. */
export async function checkCrls(
  { crls = [], fetch, profile }: Draft<Settings>,
  world: World,
  complain: Complain,
): Promise<void> {
  checkUnique(crls, complain);
  await checkRoots(fetch?.ca, profile, world, (message) => complain(['fetch', 'ca'], message));
  await Promise.all(
    crls.map(async (entry, index) => {
      const { issuer: issuerFile, file } = entry ?? {};
      const pem = await bytesOf(issuerFile, world);
      if (pem === undefined) return;
      const at = (key: string) => (message: string) => complain(['crls', index, key], message);
      const issuers = orComplain(at('issuer'), () =>
        checkApproved(readListIssuers(Buffer.from(pem).toString('latin1')), profile),
      );
      const lists = await bytesOf(file, world);
      if (issuers !== undefined && lists !== undefined) orComplain(at('file'), () => readIssuedLists(lists, issuers));
    }),
  );
}

/** Of servers that are asked for something. */
export async function checkRoots(
  file: string | undefined,
  profile: Draft<Settings>['profile'],
  world: World,
  complain: (message: string) => void,
): Promise<void> {
  const bytes = await bytesOf(file, world);
  if (bytes !== undefined) orComplain(complain, () => checkApproved(readRoots(bytes), profile));
}

/** Undefined for what is reported where it is named. */
export async function bytesOf(
  file: string | undefined,
  world: World,
  maxBytes = MAX_CRL_BYTES,
): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  const facts = await world.stat(file).catch(() => undefined);
  if (facts?.kind !== 'file' || facts.sizeBytes > maxBytes) return undefined;
  return world.readFile(file).catch(() => undefined);
}

function readRoots(bytes: Uint8Array): readonly Certificate[] {
  const roots = parseCertificatesPem(Buffer.from(bytes).toString('latin1'));
  if (roots.length === 0) throw new CertsError('certificate-malformed', 'there is no certificate in PEM in it');
  return roots;
}

function checkApproved(
  certificates: readonly Certificate[],
  profile: Draft<Settings>['profile'],
): readonly Certificate[] {
  const other = profile === 'fips' ? certificates.find(unapprovedKey) : undefined;
  if (other === undefined) return certificates;
  const message = `${other.subject}: ${unapprovedKey(other)}; allowed: ${approvedKeysText}`;
  throw new CertsError('certificate-malformed', message);
}

function checkUnique(crls: Draft<Settings['crls']>, complain: Complain): void {
  const urls = crls.map((one) => one?.url);
  urls.forEach((url, index) => {
    const first = urls.indexOf(url);
    if (url !== undefined && first !== index) complain(['crls', index, 'url'], `is that of crls[${first}] already`);
  });
}

export function orComplain<T>(complain: (message: string) => void, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CertsError)) throw cause;
    complain(cause.message);
    return undefined;
  }
}
