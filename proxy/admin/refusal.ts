import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '../config/config.ts';
import { plainAddress } from '../data/arrivals.ts';

export type Refusal = { readonly status: number; readonly reason: string };

const refuse = (status: number, reason: string): Refusal => ({ status, reason });

/**
 * Who may ask at all. A page in a browser on this machine can reach loopback: by DNS rebinding its own name then points
 * here, so the Host must be one of ours (CVE-2022-43548 class); by a plain cross-site request it names us correctly,
 * but then carries Origin or Sec-Fetch-Site. No tool that scrapes or probes sends those.
 */
export function refusalOf(request: IncomingMessage, hosts: ReadonlySet<string>): Refusal | undefined {
  const given = request.headersDistinct;
  const [host, ...more] = given['host'] ?? [];
  if (host === undefined || more.length > 0) return refuse(403, 'foreign-host');
  const named = host.toLowerCase();
  if (!hosts.has(named) && !hostsReached(request.socket).has(named)) return refuse(403, 'foreign-host');
  if (given['origin'] !== undefined) return refuse(403, 'origin-present');
  if (given['sec-fetch-site']?.some((site) => site !== 'none')) return refuse(403, 'cross-site');
  if (given['upgrade'] !== undefined) return refuse(501, 'upgrade');
  if (request.method !== 'GET') return refuse(405, 'method');
  if (given['transfer-encoding'] !== undefined || (given['content-length'] ?? ['0']).join() !== '0') {
    return refuse(400, 'body');
  }
  return undefined;
}

/** The Host values that mean this server; `port` is the one it really has. */
export function hostsOf(address: Address, port: number): ReadonlySet<string> {
  if (address.kind === 'unix') return new Set(['localhost']);
  const own = address.host.includes(':') ? `[${address.host}]` : address.host;
  return new Set(
    [own.toLowerCase(), 'localhost'].flatMap((host) => (port === 80 ? [host, `${host}:80`] : [`${host}:${port}`])),
  );
}

/** Where we listen on every address, Prometheus names the one it has reached; DNS rebinding has a name, and never an address. */
function hostsReached({ localAddress, localPort = 0 }: Socket): ReadonlySet<string> {
  if (localAddress === undefined) return new Set();
  return hostsOf({ kind: 'tcp', host: plainAddress(localAddress), port: localPort }, localPort);
}
