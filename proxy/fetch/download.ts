import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { checkServerIdentity, type PeerCertificate, TLSSocket } from 'node:tls';
import { Agent, buildConnector, request } from 'undici';
import { type ProxyErrorCode, ProxyError } from '../errors.ts';
import { clientTls } from '../fips/approved.ts';
import type { AddressJudge } from './addresses.ts';
import type { Network } from './network.ts';

export type Download = {
  readonly url: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Instead of the host name: what is wrong with the server whose chain OpenSSL has verified. */
  readonly judge?: ServerJudge;
};

export type ServerJudge = (leaf: PeerCertificate) => string | undefined;

/** For all of it: name, connection, answer. */
const maxMs = 5000;

/**
 * One GET of one URL, whole or not at all. No redirect is followed, because the configuration named this place and no other;
 * every address that the name leads to is judged as it is connected to, so that no second answer of the name server can differ
 * from the one that was judged. Throws ProxyError `fetch-refused` or `fetch-failed`.
 */
export async function download({ url, maxBytes, signal, judge }: Download, network: Network): Promise<Uint8Array> {
  const { protocol, hostname } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  // For an address nobody asks `lookup`.
  if (isIP(host) !== 0 && !network.mayAsk(host)) throw refused(url, notPublic(host));
  if (isIP(host) !== 0 && protocol === 'https:') throw refused(url, httpsByName);
  const dispatcher = new Agent({
    connect: judgedConnect(
      {
        ...clientTls(network.algorithms),
        ...(judge === undefined ? {} : { checkServerIdentity: (_, leaf) => wrongServer(judge, leaf) }),
        lookup: judgedLookup(network.mayAsk),
        ca: network.rootsPem,
        timeout: maxMs,
      },
      host,
    ),
    maxResponseSize: maxBytes,
    maxHeaderSize: 16_384,
    headersTimeout: maxMs,
    bodyTimeout: maxMs,
  });
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
    const { statusCode, headers, body } = await request(url, { dispatcher, signal: limit, headers: { accept: '*/*' } });
    if (statusCode !== 200) {
      const where = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : '';
      throw refused(url, `the answer has the status ${statusCode}${where}`);
    }
    // We asked for no encoding, and one that is unpacked can be of any size.
    if (headers['content-encoding'] !== undefined) throw refused(url, 'the answer is encoded');
    return await body.bytes();
  } catch (cause) {
    throw cause instanceof ProxyError ? cause : inWords(url, { maxBytes, maxMs }, cause);
  } finally {
    void dispatcher.destroy();
  }
}

/** Node has accepted certificates for the wrong address (CVE-2026-106069, -106072, -105483). */
const httpsByName = 'https is for names: that a certificate is of an address is not verified well enough';

class NotPublic extends Error {}
class WrongServer extends Error {}

function wrongServer(judge: ServerJudge, leaf: PeerCertificate): Error | undefined {
  const wrong = judge(leaf);
  return wrong === undefined ? undefined : new WrongServer(wrong);
}

/**
 * Connections of undici. Who the server is, is asked in the handshake and once more of the open connection, before anything is sent:
 * undici has left `checkServerIdentity` out without a word (CVE-2026-109383), and Node does where a session is resumed.
 */
export function judgedConnect(options: buildConnector.BuildOptions, host: string): buildConnector.connector {
  const given = 'checkServerIdentity' in options ? options.checkServerIdentity : undefined;
  const check = contained(given ?? checkServerIdentity);
  const connect = buildConnector({ ...options, checkServerIdentity: check, maxCachedSessions: 0, allowH2: false });
  return (to, callback) =>
    connect(to, (...opened) => {
      const [, socket] = opened;
      const wrong = socket instanceof TLSSocket ? problemOf(socket, host, check) : undefined;
      if (wrong === undefined) return callback(...opened);
      socket?.destroy();
      return callback(wrong, null);
    });
}

type IdentityCheck = typeof checkServerIdentity;

function problemOf(socket: TLSSocket, host: string, check: IdentityCheck): Error | undefined {
  if (!socket.authorized || socket.isSessionReused()) return new WrongServer('the server has not been verified');
  return check(host, socket.getPeerCertificate(true));
}

/** Thrown there, an error would end the process and not the handshake. */
function contained(check: IdentityCheck): IdentityCheck {
  return (host, leaf) => {
    try {
      return check(host, leaf);
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  };
}

export function judgedLookup(mayAsk: AddressJudge): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
      if (error !== null) return callback(error, '');
      const [first, ...more] = addresses.filter(({ address }) => mayAsk(address));
      if (first === undefined)
        return callback(new NotPublic(notPublic(addresses.map(({ address }) => address).join(', '))), '');
      return options.all === true ? callback(null, [first, ...more]) : callback(null, first.address, first.family);
    });
  };
}

function notPublic(addresses: string): string {
  return `${addresses} is not public, and not in \`fetch.allow\``;
}

export function refused(url: string, why: string): ProxyError {
  return problem('fetch-refused', url, why);
}

type Bounds = { readonly maxBytes: number; readonly maxMs: number };

export function inWords(url: string, { maxBytes, maxMs }: Bounds, cause: unknown): ProxyError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = 'code' in error ? String(error.code) : error.name;
  if (error instanceof NotPublic || error instanceof WrongServer) return refused(url, error.message);
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return refused(url, `the answer has more than ${maxBytes} bytes`);
  if (error.name === 'TimeoutError') return problem('fetch-failed', url, `no whole answer within ${maxMs} ms`);
  return problem('fetch-failed', url, code === 'Error' ? error.message : `${error.message} (${code})`);
}

function problem(code: ProxyErrorCode, url: string, why: string): ProxyError {
  return new ProxyError(code, `${url}: ${why}`.replaceAll(/[^ -~]/g, '?').slice(0, 500));
}
