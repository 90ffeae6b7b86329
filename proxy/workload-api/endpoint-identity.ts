import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CertsError } from '../../certs/errors.ts';
import type { LocalCa } from '../../certs/local-ca/local-ca.ts';
import { readSecret } from '../../certs/local-ca/secret-files.ts';
import { localCaSource } from '../../certs/sources/local-ca.ts';
import type { ControlEvent } from '../audit/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { BundleEndpointConfig } from '../config/bundle-endpoint-config.ts';
import { watchFiles } from '../control/watch-files.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';

export type BundleEndpointParts = {
  readonly ca: LocalCa;
  readonly config: BundleEndpointConfig;
  readonly svidLifetimeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: (event: ControlEvent) => void;
};

type Credential = { readonly cert: string; readonly key: string };

/** What the bundle endpoint shows of itself. A successor that is no good leaves the one that is there. */
export type EndpointIdentity = {
  readonly current: () => Credential;
  readonly watch: (changed: (credential: Credential) => void) => () => void;
  readonly close: () => void;
};

type Server<Kind> = Extract<BundleEndpointConfig['server'], { kind: Kind }>;

/** The profile `https_web`. Throws ProxyError. */
export async function ofFiles(files: Server<'web'>, parts: BundleEndpointParts): Promise<EndpointIdentity> {
  let credential = await readPair(files);
  const listeners = new Set<(credential: Credential) => void>();
  const lookAgain = async () => {
    try {
      const next = await readPair(files);
      if (next.cert === credential.cert && next.key === credential.key) return;
      credential = next;
      for (const listener of listeners) listener(next);
    } catch (cause) {
      tell(parts, cause instanceof Error ? cause.message : String(cause));
    }
  };
  const watch = watchFiles([files.certificate, files.key], () => void lookAgain());
  return {
    current: () => credential,
    watch: (changed) => {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
    close: watch.stop,
  };
}

async function readPair({ certificate, key }: Server<'web'>): Promise<Credential> {
  try {
    const pair = { cert: await readFile(certificate, 'latin1'), key: await readSecret(key, 'key-unreadable') };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    if (cause instanceof CertsError)
      throw new ProxyError('bundle-endpoint-certificate', `bundle_endpoint: ${cause.message}`, { cause });
    // Not the message alone: OpenSSL names neither file, and of the key it says nothing.
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const message = `bundle_endpoint: ${certificate} and ${key} are no certificate with its key (${why})`;
    throw new ProxyError('bundle-endpoint-certificate', message);
  }
}

/** The profile `https_spiffe`: an SVID of the CA, renewed as all are. Throws CertsError. */
export async function ofCa({ spiffeId }: Server<'spiffe'>, parts: BundleEndpointParts): Promise<EndpointIdentity> {
  const { ca, clock, svidLifetimeMs: lifetimeMs } = parts;
  const source = await localCaSource(ca, {
    spiffeId,
    lifetimeMs,
    now: clock.nowMs,
    onEvent: (event) => {
      if (event.type === 'identity.refresh-failed') tell(parts, event.message);
    },
  });
  const current = (): Credential => ({ cert: source.current().chainPem, key: source.current().keyPem });
  return { current, watch: (changed) => source.subscribe(() => changed(current())), close: source.close };
}

function tell({ record, log }: BundleEndpointParts, detail: string): void {
  log.error('bundle.renewal-failed', { message: detail });
  record({ kind: 'control', type: 'bundle.renewal-failed', outcome: 'error', detail });
}
