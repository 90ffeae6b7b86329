import { isIPv6 } from 'node:net';
import { objectOf } from '../../value/object.ts';
import type { Entry } from '../../value/value.ts';
import { attempt, BuiltinError, type Builtins } from '../builtin.ts';
import { text } from '../operands.ts';
import { percentDecode, percentEncode } from './percent-encoding.ts';

/*
 * RFC 3986 as Go's `net/url` reads it, not as WHATWG's `URL` does: what a policy of OPA compares must be what OPA would
 * have compared. Nothing is normalised: dot segments and empty ports stay.
 */

export type Uri = {
  readonly scheme: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly raw_path: string;
  readonly raw_query: string;
  readonly fragment: string;
};

const nothing: Uri = { scheme: '', hostname: '', port: '', path: '', raw_path: '', raw_query: '', fragment: '' };

/** Throws BuiltinError. */
export function parseUri(uri: string): Uri {
  const [beforeFragment, encodedFragment] = cut(uri, '#');
  if (/[\x00-\x1f\x7f]/.test(beforeFragment)) throw new BuiltinError('invalid control character in URL');
  const fragment = percentDecode(encodedFragment);
  if (beforeFragment === '*') return { ...nothing, path: '*', raw_path: '*', fragment };
  const [scheme, afterScheme] = cutScheme(beforeFragment);
  const [rest, query] = cut(afterScheme, '?');
  const common = { ...nothing, scheme, raw_query: query, fragment };
  if (!rest.startsWith('/')) {
    // `mailto:someone` has no parts that could be told.
    if (scheme !== '') return common;
    if (cut(rest, '/')[0].includes(':')) throw new BuiltinError('first path segment in URL cannot contain colon');
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'));
  if (!hasAuthority) return { ...common, ...parsePath(rest) };
  const slash = rest.indexOf('/', 2);
  const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash);
  const path = slash === -1 ? '' : rest.slice(slash);
  return { ...common, ...parseAuthority(scheme, authority), ...parsePath(path) };
}

function cut(whole: string, separator: string): readonly [before: string, after: string] {
  const at = whole.indexOf(separator);
  return at === -1 ? [whole, ''] : [whole.slice(0, at), whole.slice(at + 1)];
}

function cutScheme(uri: string): readonly [scheme: string, rest: string] {
  if (uri.startsWith(':')) throw new BuiltinError('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(uri)?.[1];
  return scheme === undefined ? ['', uri] : [scheme.toLowerCase(), uri.slice(scheme.length + 1)];
}

function parsePath(encoded: string): Pick<Uri, 'path' | 'raw_path'> {
  const path = percentDecode(encoded);
  // As OPA: the path as written, unless it is what encoding the decoded one would give.
  return { path, raw_path: percentEncode(path, /[-_.~$&+,/:;=@]/) === encoded ? path : encoded };
}

function parseAuthority(scheme: string, authority: string): Pick<Uri, 'hostname' | 'port'> {
  const at = authority.lastIndexOf('@');
  if (at !== -1) checkUserinfo(authority.slice(0, at));
  const host = authority.slice(at + 1);
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) throw new BuiltinError('invalid IP-literal');
  return bracket === 0 ? parseIpLiteral(host) : parseHost(scheme, host);
}

function checkUserinfo(userinfo: string): void {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new BuiltinError('invalid userinfo');
  percentDecode(userinfo);
}

/** RFC 6874: `[fe80::1%25eth0]:80`. */
function parseIpLiteral(host: string): Pick<Uri, 'hostname' | 'port'> {
  const end = host.lastIndexOf(']');
  if (end === -1) throw new BuiltinError("missing ']' in host");
  const port = portOf(host.slice(end + 1));
  const [encodedAddress, encodedZone] = cutZone(host.slice(1, end));
  const address = decodeHost(encodedAddress);
  const zone = decodeZone(encodedZone);
  if (!isIPv6(address) || zone === '%') throw new BuiltinError('invalid IP-literal');
  return { hostname: address + zone, port };
}

function cutZone(host: string): readonly [address: string, zone: string] {
  const at = host.indexOf('%25');
  return at === -1 ? [host, ''] : [host.slice(0, at), host.slice(at)];
}

/** Go takes several colons for a list of hosts, which some databases have, unless the scheme is HTTP's. */
function parseHost(scheme: string, host: string): Pick<Uri, 'hostname' | 'port'> {
  const isHttp = scheme === 'http' || scheme === 'https';
  const colon = isHttp ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon === -1) return { hostname: decodeHost(host), port: '' };
  return { hostname: decodeHost(host.slice(0, colon)), port: portOf(host.slice(colon)) };
}

function portOf(colonAndPort: string): string {
  if (!/^(?::[0-9]*)?$/.test(colonAndPort)) throw new BuiltinError('invalid port after host');
  return colonAndPort.slice(1);
}

const hostCharacters = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\x80-\u{10ffff}]*$/u;

/** In a host only bytes beyond ASCII and the percent sign may be encoded. */
function decodeHost(encoded: string): string {
  const literal = encoded.replaceAll(/%(?:25|[89a-fA-F][0-9a-fA-F])/g, '');
  if (!hostCharacters.test(literal)) throw new BuiltinError('invalid character in host name');
  return percentDecode(encoded);
}

/** In a zone, what may stand in a host may also be encoded, and so may a space. */
function decodeZone(encoded: string): string {
  const literal = encoded
    .replaceAll(/%(?:25|20)/g, '')
    .replaceAll(/%([0-7][0-9a-fA-F])/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  if (!hostCharacters.test(literal)) throw new BuiltinError('invalid character in zone');
  return percentDecode(encoded);
}

export const uriBuiltins: Builtins = {
  'uri.parse': (_context, uri) =>
    objectOf((Object.entries(parseUri(text(uri, 1))) as Entry[]).filter(([, part]) => part !== '')),
  'uri.is_valid': (_context, uri) =>
    typeof uri === 'string' && uri !== '' && attempt(() => parseUri(uri)) !== undefined,
};
