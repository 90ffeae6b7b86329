import type { BuiltinContext } from '../builtin.ts';
import { parseUri } from '../uri/uri.ts';
import type { Certificate } from './certificate.ts';
import { type AlternativeNames, isDomain, isIpHost } from './general-names.ts';
import type { Subtrees } from './name-constraints.ts';

/** Measured: 0.2 us to hold a name against a constraint. A certificate has room for thousands of both (CVE-2025-58187). */
const stepsPerComparison = 4;

/**
 * Whether all names of all certificates are within the constraints of those above them (RFC 5280 section 4.2.1.10). The
 * chain begins with the leaf. E-mail addresses under any constraints on them are refused.
 */
export function areNamesPermitted({ charge }: BuiltinContext, chain: readonly Certificate[]): boolean {
  return chain.every(({ facts: { names } }, index) => {
    const above = chain.slice(index + 1).flatMap(({ facts: { nameConstraints } }) => nameConstraints ?? []);
    if (names === undefined || above.length === 0) return true;
    const hosts = names.uris.map(hostOf);
    if (hosts.includes(undefined) || !names.dns.every(isDomain)) return false;
    const constraints = above.reduce((sum, { permitted, excluded }) => sum + sizeOf(permitted) + sizeOf(excluded), 0);
    charge(stepsPerComparison * constraints * (names.dns.length + hosts.length + names.ips.length));
    return above.every(
      ({ permitted, excluded }) =>
        areWithin(names, hosts as readonly string[], permitted) &&
        !isAnyOf(names, hosts as readonly string[], excluded),
    );
  });
}

const sizeOf = ({ dns, ips, uris }: Subtrees): number => dns.length + ips.length + uris.length;

/** The domain of a URI; undefined when it has none to compare. */
function hostOf(uri: string): string | undefined {
  const { hostname } = parseUri(uri);
  return hostname === '' || isIpHost(hostname) || hostname.includes(':') ? undefined : hostname;
}

function areWithin(names: AlternativeNames, hosts: readonly string[], { dns, emails, ips, uris }: Subtrees): boolean {
  return (
    (dns.length === 0 || names.dns.every((name) => isUnderAny(name, dns))) &&
    (uris.length === 0 || hosts.every((host) => isUnderAny(host, uris))) &&
    (ips.length === 0 || names.ips.every((ip) => ips.some((network) => isInside(ip, network)))) &&
    (emails.length === 0 || names.emails.length === 0)
  );
}

function isAnyOf(names: AlternativeNames, hosts: readonly string[], { dns, emails, ips, uris }: Subtrees): boolean {
  return (
    names.dns.some((name) => isUnderAny(name, dns) || isWildcardAbove(name, dns)) ||
    hosts.some((host) => isUnderAny(host, uris) || isWildcardAbove(host, uris)) ||
    names.ips.some((ip) => ips.some((network) => isInside(ip, network))) ||
    (emails.length > 0 && names.emails.length > 0)
  );
}

function isUnderAny(name: string, constraints: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return constraints.some((constraint) => {
    const base = constraint.toLowerCase();
    return base === '' || lower === base || lower.endsWith(base.startsWith('.') ? base : `.${base}`);
  });
}

/** `*.example.com` stands for `a.example.com` too, which is what a constraint may exclude. */
function isWildcardAbove(name: string, constraints: readonly string[]): boolean {
  if (!name.startsWith('*.')) return false;
  const parent = name.slice(1).toLowerCase();
  return constraints.some((constraint) => constraint.toLowerCase().replace(/^[^.]*/, '') === parent);
}

function isInside(ip: Buffer, network: { readonly ip: Buffer; readonly mask: Buffer }): boolean {
  if (ip.length !== network.ip.length) return false;
  return ip.every((byte, index) => ((byte ^ (network.ip[index] ?? 0)) & (network.mask[index] ?? 0)) === 0);
}
