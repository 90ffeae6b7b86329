import { isIPv4, isIPv6 } from 'node:net';
import { type Denial, deny } from '../denial.ts';

/** `host[:port]` with a host that cannot be read as anything else: no user information, no list, no path. */
const registeredName = /^[A-Za-z0-9](?:[A-Za-z0-9\-.]{0,252}[A-Za-z0-9])?$/;
/** URL parsers read `1`, `127.1` and `0x7f.1` as IPv4 addresses, and other software as names. */
const endsInNumber = /(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/;
const pattern = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]+)(?::([1-9][0-9]{0,4}))?$/;

/**
 * @param values all Host values of the request
 * @param serverName the TLS server name of the connection, if the client sent one
 */
export function readAuthority(values: readonly string[], serverName: string | undefined): string | Denial {
  const [value] = values;
  if (value === undefined || values.length > 1) {
    return deny('ambiguous-authority', { detail: values.length === 0 ? 'no Host' : 'more than one Host' });
  }
  if (last !== undefined && last.value === value && last.serverName === serverName) return last.authority;
  const [, host = '', port = '1'] = pattern.exec(value) ?? [];
  if (!isHost(host) || Number(port) > 65535) return deny('ambiguous-authority', { detail: 'not host[:port]' });
  // A client that asked TLS for one host and HTTP for another is misrouted, or probing (RFC 9110 section 7.4).
  if (serverName !== undefined && serverName !== host.toLowerCase()) return deny('misdirected-request');
  last = { value, serverName, authority: value.toLowerCase() };
  return last.authority;
}

/** What was read last: nearly every request for one workload names the same host. */
let last: { readonly value: string; readonly serverName: string | undefined; readonly authority: string } | undefined;

function isHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1));
  if (endsInNumber.test(host)) return isIPv4(host);
  return registeredName.test(host) && !host.includes('..');
}
