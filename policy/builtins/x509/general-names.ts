import { isIP } from 'node:net';
import type { PlainObject } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { percentDecode, percentEncode } from '../uri/percent-encoding.ts';
import { parseUri } from '../uri/uri.ts';
import { uriPartsOf } from '../uri/parts.ts';
import { contextTag, type Der, tags, wanted } from './der.ts';
import { ia5 } from './text.ts';

export type AlternativeNames = {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  /** Four or sixteen bytes each. */
  readonly ips: readonly Buffer[];
  readonly uris: readonly string[];
};

/** Identifier octets of a GeneralName (RFC 5280 section 4.2.1.6). */
export const generalName = {
  email: contextTag(1, false),
  dns: contextTag(2, false),
  uri: contextTag(6, false),
  ip: contextTag(7, false),
} as const;

/** Of a SubjectAltName; names of other kinds are left out, as in Go. Throws BuiltinError. */
export function alternativeNamesOf(names: Der): AlternativeNames {
  const all = wanted(names, tags.sequence, 'subject alternative names').children;
  const contents = (tag: number): Buffer[] => all.filter((name) => name.tag === tag).map(({ content }) => content);
  const ips = contents(generalName.ip);
  if (ips.some(({ length }) => length !== 4 && length !== 16)) throw new BuiltinError('malformed IP address');
  const uris = contents(generalName.uri).map(ia5);
  for (const uri of uris) {
    if (!isDomain(parseUri(uri).hostname)) throw new BuiltinError('malformed URI');
  }
  return { dns: contents(generalName.dns).map(ia5), emails: contents(generalName.email).map(ia5), ips, uris };
}

/** What Go lets pass for a domain: labels that are not empty, of characters that one can see. */
export function isDomain(name: string): boolean {
  return name === '' || (/^[!-~]+$/.test(name) && !name.split('.').includes(''));
}

export function ipText(ip: Buffer): string {
  if (ip.length === 4) return ip.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ip.readUInt16BE(index * 2).toString(16));
  // The WHATWG's serialiser is that of RFC 5952, the longest run of zeros shortened.
  const text = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
  return mapped === null ? text : ip.subarray(12).join('.');
}

/** As Go writes url.URL in JSON. */
export function urlValue(uri: string): PlainObject {
  const { scheme, path, raw_query, fragment } = parseUri(uri);
  const written = uriPartsOf(uri);
  const writtenFragment = /#(.*)$/s.exec(uri)?.[1] ?? '';
  return {
    Scheme: scheme,
    Opaque: written.opaque,
    User: written.authority?.includes('@') === true ? {} : null,
    Host: percentDecode(written.host),
    Path: path,
    RawPath: percentEncode(path, /[-_.~$&+,/:;=@]/) === written.path ? '' : written.path,
    OmitHost: false,
    ForceQuery: raw_query === '' && /^[^#]*\?(?:#|$)/s.test(uri),
    RawQuery: raw_query,
    Fragment: fragment,
    RawFragment: percentEncode(fragment, /[-_.~$&+,/:;=@?!()*]/) === writtenFragment ? '' : writtenFragment,
  };
}

/** An IP address in brackets, or without. */
export const isIpHost = (host: string): boolean => isIP(host) !== 0 || /^\[.*\]$/.test(host);
