import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';

/** Whom a client says it is. */
export type Credential = { readonly certPem: string; readonly keyPem: string };

/** What is put under load, and how it is reached. Plain values, since they cross to the process of the generator. */
export type Target =
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      /** Connection number n speaks as the n-th of them, beginning again after the last. */
      readonly credentials: readonly Credential[];
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** For messages. */
export function targetText(target: Target): string {
  return target.kind === 'unix' ? `unix:${target.path}` : `${target.host}:${target.port}`;
}

const contexts = new Map<string, SecureContext>();

/** Begins the connection with this number; `ready` is called once bytes may be sent, after the handshake where there is one. */
export function connectTo(target: Target, number: number, onread: OnReadOpts, ready: () => void): Socket {
  if (target.kind === 'unix') return connectTcp({ path: target.path, onread }, ready);
  const { host, port } = target;
  if (target.kind === 'tcp') return connectTcp({ host, port, onread, noDelay: true }, ready);
  const credential = target.credentials[number % target.credentials.length];
  if (credential === undefined) throw new RangeError('a target behind TLS needs a credential');
  // Whom it talks to is not what a load generator is there to ask.
  const trusting = { rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const;
  const tls = { host, port, onread, secureContext: contextOf(credential), ...trusting };
  return connectTls(tls, ready).setNoDelay(true);
}

/** Made once for each credential: reading a key costs more than a request. */
function contextOf({ certPem, keyPem }: Credential): SecureContext {
  const known = contexts.get(keyPem);
  if (known !== undefined) return known;
  const made = createSecureContext({ cert: certPem, key: keyPem });
  contexts.set(keyPem, made);
  return made;
}
