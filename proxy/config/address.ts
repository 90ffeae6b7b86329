import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Address } from './config.ts';
import { text } from './shape.ts';
import type { Parsed, Reading, Shape } from './shape.ts';

type Tcp = Extract<Address, { kind: 'tcp' }>;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** RFC 1123 labels; the last is not all digits, or `127.1` and `0x7f.1` would be names to us and addresses to libc. */
export const HOST_NAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*(?=[A-Za-z0-9-]*[A-Za-z])(?!0[xX])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** `sun_path` holds 108 bytes with the NUL on Linux and 104 on macOS; a longer path is cut by some libraries. */
export const MAX_SOCKET_PATH_BYTES = 103;

type AddressOptions = {
  /** Port 0 lets the system choose: sensible for what listens, not for what is dialled. */
  readonly anyPort?: boolean;
};

export function tcpAddress(options: AddressOptions = {}): Shape<Tcp> {
  const allowed = 'an address such as `127.0.0.1:8443` or `"[::1]:8443"`';
  return text(allowed, { pattern: ':[0-9]{1,5}$' }, (value) => parseTcp(value, options));
}

export function address(options: AddressOptions = {}): Shape<Address> {
  return text(
    'an address such as `127.0.0.1:8080`, `"[::1]:8080"` or `unix:/run/app.sock`',
    { pattern: '^unix:.|:[0-9]{1,5}$' },
    (value, { resolve }) => parseAddress(value, resolve, options),
  );
}

/** `resolve` makes the path of a socket absolute. */
export function parseAddress(
  value: string,
  resolve: Reading['resolve'],
  options: AddressOptions = {},
): Parsed<Address> {
  if (value.startsWith('unix:')) return parseUnix(value.slice('unix:'.length), resolve);
  if (value.startsWith('/')) return { wrong: `\`${value}\` has no port`, suggestion: `unix:${value}` };
  return parseTcp(value, options);
}

function parseUnix(path: string, resolve: Reading['resolve']): Parsed<Address> {
  if (path === '' || path.includes('\0')) return { wrong: 'the path of the socket is missing' };
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > MAX_SOCKET_PATH_BYTES) {
    return { wrong: `the path of the socket is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${absolute}` };
  }
  return { value: { kind: 'unix', path: absolute } };
}

function parseTcp(value: string, { anyPort = false }: AddressOptions): Parsed<Tcp> {
  const [, bracketed, plain = '', digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (digits === '') return notTcp(value);
  if (bracketed === undefined ? !isHost(host) : !isIPv6(host) || host.includes('%')) {
    return { wrong: `\`${host}\` is neither an IP address nor a host name` };
  }
  const port = Number(digits);
  if (port > 65_535 || (port === 0 && !anyPort))
    return { wrong: `the port ${digits} is not from ${anyPort ? 0 : 1} to 65535` };
  return { value: { kind: 'tcp', host: host.toLowerCase(), port } };
}

function notTcp(value: string): Parsed<never> {
  if (/^[0-9]{1,5}$/.test(value)) return { wrong: `\`${value}\` has no host`, suggestion: `127.0.0.1:${value}` };
  if (/^:[0-9]{1,5}$/.test(value)) return { wrong: `\`${value}\` has no host`, suggestion: `127.0.0.1${value}` };
  const withoutScheme = value.replace(/^[a-z]+:\/\//, '').replace(/\/$/, '');
  if (withoutScheme !== value) return { wrong: `\`${value}\` is a URL`, suggestion: withoutScheme };
  return { wrong: `\`${value}\` has no port, or is no address` };
}

function isHost(host: string): boolean {
  return isIP(host) === 4 || HOST_NAME.test(host);
}

/** RFC 6761 section 6.3 keeps `localhost` on this machine; any other name may be answered with any address. */
export function isLoopback(one: Address): boolean {
  if (one.kind === 'unix' || one.host === 'localhost') return true;
  const version = isIP(one.host);
  return version !== 0 && LOOPBACK.check(one.host, version === 6 ? 'ipv6' : 'ipv4');
}

/** Whether two listeners, or a listener and what it would dial, meet on one socket. */
export function sameSocket(a: Address, b: Address): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  const everyHost = (one: Tcp) => one.host === '0.0.0.0' || one.host === '::';
  const local = (one: Tcp) => everyHost(one) || isLoopback(one);
  if (everyHost(a) || everyHost(b)) return local(a) || local(b) ? true : a.host === b.host;
  return a.host === b.host || (a.host === 'localhost' && isLoopback(b)) || (b.host === 'localhost' && isLoopback(a));
}

export function addressText(one: Address): string {
  if (one.kind === 'unix') return `unix:${one.path}`;
  return one.host.includes(':') ? `[${one.host}]:${one.port}` : `${one.host}:${one.port}`;
}
