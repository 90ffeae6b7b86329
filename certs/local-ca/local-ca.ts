import { join } from 'node:path';
import { type Certificate, certificateToPem, normalSerial } from '../certificate.ts';
import { CertsError } from '../errors.ts';
import { type JwtAuthority, jwtAuthority } from '../jwt-svid.ts';
import { pathOf, type TrustDomain, trustDomainOf } from '../spiffe-id.ts';
import type { SvidMaterial } from '../sources/svid-source.ts';
import type { SpiffeBundle } from '../spiffe-bundle.ts';
import type { TrustBundleData } from '../trust-bundle.ts';
import { isBroken, judgeLeaf } from '../svid.ts';
import type { SigningKey } from '../x509.ts';
import type { CaEvent } from './events.ts';
import { publicBundle, readBundle } from './bundle.ts';
import { createJwtKey, readJwtKey } from './jwt-key.ts';
import { generateKeyPair, type KeyAlgorithm, keyToPem } from './key-pair.ts';
import { type LeafRequest, maxSvidLifetimeMs, minSvidLifetimeMs, signSvid } from './profile.ts';
import { type Issued, openRegister, type Register } from './register.ts';
import { crlFile, refreshCrl } from './revocation-list.ts';
import { privateFolder } from './secret-files.ts';
import { caFolder, type CaState, createCa, hasCa, loadCa } from './state.ts';

export type LocalCa = {
  readonly issue: (request: LeafRequest) => Promise<SvidMaterial>;
  /** By the hexadecimal serial; the CRL is on the disk when the promise resolves. */
  readonly revoke: (serial: string) => Promise<void>;
  /** What signs JWT-SVIDs. Its key is made, on the disk, when it is asked for the first time. */
  readonly jwtAuthority: () => Promise<JwtAuthority>;
  /** Read from the disk, since another process may have revoked meanwhile. */
  readonly trustBundle: () => TrustBundleData;
  /** What other trust domains are told: roots, the key of its tokens, and a sequence that rises when they change. */
  readonly publicBundle: () => Promise<SpiffeBundle>;
  readonly describe: () => CaDescription;
  /** Certificates that have not expired, or not long ago. */
  readonly issued: () => Promise<readonly Issued[]>;
  readonly close: () => void;
};

export type CaDescription = {
  readonly trustDomain: TrustDomain;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly root: CertificateSummary;
  readonly intermediate: CertificateSummary;
  readonly crlFile: string;
};

export type CertificateSummary = Pick<
  Certificate,
  'subject' | 'serial' | 'fingerprintSha256' | 'notBeforeMs' | 'notAfterMs'
>;

export type OpenExistingCaOptions = {
  readonly stateFolder: string;
  readonly passphrase?: string;
  readonly now: () => number;
  readonly onEvent?: (event: CaEvent) => void;
};

export type OpenLocalCaOptions = OpenExistingCaOptions & {
  readonly trustDomain: TrustDomain;
  readonly keyAlgorithm: KeyAlgorithm;
};

const dayMs = 86_400_000;

/** Opens the CA of the folder, and creates one when there is none. Throws CertsError. */
export async function openLocalCa(options: OpenLocalCaOptions): Promise<LocalCa> {
  await privateFolder(options.stateFolder);
  const register = await openRegister(join(options.stateFolder, 'register.sqlite'));
  return closingOnError(register, async () => {
    const created = await register.exclusively(async () => {
      if (await hasCa(options.stateFolder)) return false;
      if (register.list().length > 0) {
        throw new CertsError('state-incomplete', `${caFolder(options.stateFolder)} is gone, but its register is not`);
      }
      const { stateFolder, trustDomain, keyAlgorithm, passphrase, now } = options;
      await createCa(stateFolder, { trustDomain, keyAlgorithm, passphrase, nowMs: now() });
      return true;
    });
    const state = await loadCa(options.stateFolder, options.passphrase);
    if (state.trustDomain !== options.trustDomain) {
      const message = `${state.folder} holds the CA of ${state.trustDomain}, not of ${options.trustDomain}`;
      throw new CertsError('ca-trust-domain-mismatch', message);
    }
    if (created) {
      const { fingerprintSha256 } = state.root;
      options.onEvent?.({
        type: 'ca.create',
        trustDomain: state.trustDomain,
        rootFingerprintSha256: fingerprintSha256,
      });
    }
    return startCa(state, register, options);
  });
}

/** Opens the CA of the folder whatever its trust domain; never creates one. Throws CertsError. */
export async function openExistingCa(options: OpenExistingCaOptions): Promise<LocalCa> {
  if (!(await hasCa(options.stateFolder))) {
    throw new CertsError('ca-missing', `there is no CA in ${options.stateFolder}`);
  }
  await privateFolder(options.stateFolder);
  const register = await openRegister(join(options.stateFolder, 'register.sqlite'));
  return closingOnError(register, async () => {
    return startCa(await loadCa(options.stateFolder, options.passphrase), register, options);
  });
}

async function closingOnError(register: Register, open: () => Promise<LocalCa>): Promise<LocalCa> {
  try {
    return await open();
  } catch (error) {
    register.close();
    throw error;
  }
}

async function startCa(state: CaState, register: Register, options: OpenExistingCaOptions): Promise<LocalCa> {
  const { now, onEvent } = options;
  checkClock(state, now());
  await register.exclusively(() => refreshCrl(state, register, now()));
  const authority = async () => jwtAuthority(await jwtKey(state, register, options), state.trustDomain);
  return {
    issue: (request) =>
      reportingRefusal('issue', onEvent, async () => {
        const svid = await issue(state, register, request, now());
        const { spiffeId, serial, notAfterMs } = svid;
        onEvent?.({ type: 'ca.issue', spiffeId, serial, notAfterMs });
        return svid;
      }),
    revoke: (serial) =>
      reportingRefusal('revoke', onEvent, async () => {
        await revoke(state, register, normalSerial(serial), now());
        onEvent?.({ type: 'ca.revoke', serial: normalSerial(serial) });
      }),
    jwtAuthority: authority,
    publicBundle: async () => {
      const { jwks } = await authority();
      return register.exclusively(() => publicBundle(state, jwks, now()));
    },
    trustBundle: () => readBundle(state),
    describe: () => describe(state),
    issued: () => register.exclusively(async () => register.list()),
    close: register.close,
  };
}

async function jwtKey(state: CaState, register: Register, options: OpenExistingCaOptions): Promise<SigningKey> {
  const { passphrase, onEvent } = options;
  return register.exclusively(async () => {
    const kept = await readJwtKey(state, passphrase);
    if (kept !== undefined) return kept;
    const created = await createJwtKey(state, passphrase);
    onEvent?.({ type: 'ca.create-jwt-key', trustDomain: state.trustDomain });
    return created;
  });
}

async function reportingRefusal<T>(
  action: 'issue' | 'revoke',
  onEvent: ((event: CaEvent) => void) | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CertsError) {
      onEvent?.({ type: 'ca.refuse', action, code: error.code, message: error.message });
    }
    throw error;
  }
}

async function issue(state: CaState, register: Register, request: LeafRequest, nowMs: number): Promise<SvidMaterial> {
  checkRequest(state, request);
  checkClock(state, nowMs);
  const key = await generateKeyPair(state.keyAlgorithm);
  const leaf = await signSvid(request, key.publicKey, state.intermediate, nowMs);
  const verdict = judgeLeaf(leaf);
  if (isBroken(verdict))
    throw new CertsError('svid-invalid', `refused to issue ${request.spiffeId}: ${verdict.detail}`);
  const { spiffeId } = request;
  const { serial, notBeforeMs, notAfterMs } = leaf;
  // On record before anybody holds it: what is not in the register cannot be revoked.
  await register.exclusively(async () => {
    register.forget(nowMs - dayMs);
    register.add({ serial, spiffeId, notAfterMs });
    await refreshCrl(state, register, nowMs);
  });
  const chainPem = certificateToPem(leaf) + certificateToPem(state.intermediate.certificate);
  return { spiffeId, chainPem, keyPem: keyToPem(key), serial, notBeforeMs, notAfterMs };
}

function checkRequest({ trustDomain }: CaState, { spiffeId, lifetimeMs }: LeafRequest): void {
  if (trustDomainOf(spiffeId) !== trustDomain) {
    throw new CertsError('trust-domain-foreign', `${spiffeId} is not in the trust domain ${trustDomain}`);
  }
  if (pathOf(spiffeId) === '') {
    throw new CertsError('spiffe-id-invalid', `${spiffeId} has no path: it names a trust domain, not a workload`);
  }
  if (!(lifetimeMs >= minSvidLifetimeMs && lifetimeMs <= maxSvidLifetimeMs)) {
    throw new CertsError('lifetime-invalid', `a lifetime of ${lifetimeMs / 1000} s was asked for`);
  }
}

function checkClock({ folder, root, intermediate }: CaState, nowMs: number): void {
  for (const { subject, notBeforeMs, notAfterMs } of [root, intermediate.certificate]) {
    const nowText = new Date(nowMs).toISOString();
    if (nowMs > notAfterMs) {
      const endText = new Date(notAfterMs).toISOString();
      throw new CertsError('ca-expired', `${subject} in ${folder} expired ${endText}; it is ${nowText}`);
    }
    if (nowMs < notBeforeMs) {
      const beginText = new Date(notBeforeMs).toISOString();
      throw new CertsError('ca-not-yet-valid', `${subject} in ${folder} begins ${beginText}; it is ${nowText}`);
    }
  }
}

async function revoke(state: CaState, register: Register, serial: string, nowMs: number): Promise<void> {
  await register.exclusively(async () => {
    if (!register.revoke(serial, nowMs)) {
      throw new CertsError('serial-unknown', `${JSON.stringify(serial)} is not a serial this CA has issued`);
    }
  });
  // Only now, with the register committed: a list that is published first would lose the entry again after a crash.
  await register.exclusively(() => refreshCrl(state, register, nowMs));
}

function describe(state: CaState): CaDescription {
  const { trustDomain, keyAlgorithm, root, intermediate } = state;
  return {
    trustDomain,
    keyAlgorithm,
    root: summary(root),
    intermediate: summary(intermediate.certificate),
    crlFile: crlFile(state),
  };
}

function summary({ subject, serial, fingerprintSha256, notBeforeMs, notAfterMs }: Certificate): CertificateSummary {
  return { subject, serial, fingerprintSha256, notBeforeMs, notAfterMs };
}
