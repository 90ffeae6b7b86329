import { oids } from '../../../certs/certificate.ts';
import { extension, subjectAltName, uri } from '../raw-certificate.ts';
import * as der from '../der.ts';
import { badIssuer, badLeaf, type ClientChain, identified, named } from './chain.ts';

const svid = 'X509-SVID 2';
const general = 'RFC 5280 4.2.1.6';
const bad = 'not-an-svid';

const dns = (text: string) => der.tagged(2, text);

/** How many names the SAN has, and of which form. */
export const sanChains: readonly ClientChain[] = [
  badLeaf({ rule: 'no SAN', clause: svid, verdict: bad }, { extensions: { subjectAltName: undefined } }),
  named({ rule: 'an empty SAN', clause: general, verdict: bad }, () => []),
  named({ rule: 'two URI SANs', clause: svid, verdict: bad }, ({ id }) => [uri(id), uri(`${id}2`)]),
  named({ rule: 'the same URI twice', clause: svid, verdict: bad }, ({ id }) => [uri(id), uri(id)]),
  named({ rule: 'a second URI SAN of another scheme', clause: svid, verdict: bad }, ({ id }) => [
    uri(id),
    uri('https://example.org/'),
  ]),
  named({ rule: 'another scheme before the SPIFFE ID', clause: svid, verdict: bad }, ({ id }) => [
    uri('https://example.org/'),
    uri(id),
  ]),
  named({ rule: 'an empty second URI', clause: svid, verdict: bad }, ({ id }) => [uri(id), uri('')]),
  named({ rule: 'only a DNS SAN', clause: svid, verdict: bad }, () => [dns('a.example')]),
  named({ rule: 'only an IP SAN', clause: svid, verdict: bad }, () => [der.tlv(0x87, der.hex('7f000001'))]),
  named({ rule: 'only an email SAN', clause: svid, verdict: bad }, () => [der.tagged(1, 'a@example.org')]),
  named({ rule: 'a SPIFFE ID inside a DNS SAN, CVE-2021-44532', clause: svid, verdict: bad }, ({ id }) => [
    dns(`x, URI:${id}`),
  ]),
  named({ rule: 'a SPIFFE ID in a DNS SAN beside another', clause: svid, verdict: bad }, ({ id }) => [
    dns(`x, URI:${id}`),
    uri(`${id}2`),
  ]),
  named({ rule: 'a SPIFFE ID as email', clause: svid, verdict: bad }, ({ id }) => [der.tagged(1, id)]),
  named({ rule: 'a DNS SAN with NUL beside a good URI, CVE-2026-47778', clause: general, verdict: bad }, ({ id }) => [
    uri(id),
    dns('a\0b'),
  ]),
  named({ rule: 'a DNS SAN with newline beside a good URI', clause: general, verdict: bad }, ({ id }) => [
    uri(id),
    dns('a\nb'),
  ]),
  named({ rule: 'a DNS SAN with a byte above 0x7f beside a good URI', clause: general, verdict: bad }, ({ id }) => [
    uri(id),
    dns('a\xe9b'),
  ]),
  named({ rule: 'an email SAN with NUL beside a good URI', clause: general, verdict: bad }, ({ id }) => [
    uri(id),
    der.tagged(1, 'a@b\0.example'),
  ]),
  named({ rule: 'an empty DNS SAN beside a good URI', clause: general, verdict: bad }, ({ id }) => [uri(id), dns('')]),
  named({ rule: 'an otherName beside a good URI', clause: 'THREATS.md 1.5', verdict: bad }, ({ id }) => [
    uri(id),
    der.explicit(0, der.oid('1.3.6.1.4.1.311.20.2.3'), der.explicit(0, der.utf8('admin'))),
  ]),
  named({ rule: 'a directoryName beside a good URI', clause: 'THREATS.md 1.5', verdict: bad }, ({ id }) => [
    uri(id),
    der.explicit(4, der.name('admin')),
  ]),
  named({ rule: 'a registeredID beside a good URI', clause: 'THREATS.md 1.5', verdict: bad }, ({ id }) => [
    uri(id),
    der.tlv(0x88, der.hex('2a0304')),
  ]),
  named(
    { rule: 'an IP SAN of five bytes beside a good URI', clause: general, verdict: 'malformed-certificate' },
    ({ id }) => [uri(id), der.tlv(0x87, der.hex('0102030405'))],
  ),
  named({ rule: 'a URI in a constructed element', clause: general, verdict: 'malformed-certificate' }, ({ id }) => [
    der.tlv(0xa6, der.tlv(0x16, Buffer.from(id))),
  ]),
  named({ rule: 'a URI as UTF8String', clause: general, verdict: 'malformed-certificate' }, ({ id }) => [der.utf8(id)]),
  badLeaf({ rule: 'a SAN that is not a sequence', clause: general, verdict: 'malformed-certificate' }, ({ id }) => ({
    extensions: { subjectAltName: extension(oids.subjectAltName, der.set(uri(id))) },
  })),
  badLeaf(
    { rule: 'bytes behind the SAN inside its extension', clause: general, verdict: 'malformed-certificate' },
    ({ id }) => ({
      extensions: {
        subjectAltName: extension(oids.subjectAltName, Buffer.concat([der.sequence(uri(id)), der.hex('0500')])),
      },
    }),
  ),
  badLeaf({ rule: 'a SPIFFE ID only in the issuerAltName', clause: svid, verdict: bad }, ({ id }) => ({
    extensions: { subjectAltName: extension('2.5.29.18', der.sequence(uri(id))) },
  })),
  badLeaf({ rule: 'a SPIFFE ID only as common name', clause: svid, verdict: bad }, ({ id }) => ({
    subject: der.name(id),
    extensions: { subjectAltName: undefined },
  })),
  badLeaf(
    {
      rule: 'an empty subject and a SAN that is not critical',
      clause: 'X509-SVID 3.1, RFC 5280 4.1.2.6',
      verdict: bad,
    },
    { subject: der.name('') },
  ),
  badLeaf({ rule: 'an empty subject and a critical SAN', clause: 'X509-SVID 3.1', verdict: 'served' }, ({ id }) => ({
    subject: der.name(''),
    extensions: { subjectAltName: subjectAltName([uri(id)], true) },
  })),
  named({ rule: 'DNS SANs beside the URI', clause: svid, verdict: 'served' }, ({ id }) => [
    dns('localhost'),
    uri(id),
    dns('*.shop.example'),
  ]),
  named({ rule: 'IP and email SANs beside the URI', clause: svid, verdict: 'served' }, ({ id }) => [
    uri(id),
    der.tlv(0x87, der.hex('7f000001')),
    der.tlv(0x87, Buffer.alloc(16, 1)),
    der.tagged(1, 'a@example.org'),
  ]),
];

const id22 = 'SPIFFE-ID 2.2';
const id21 = 'SPIFFE-ID 2.1';
const id2 = 'SPIFFE-ID 2';

/** What is no SPIFFE ID, letter by letter. */
export const spiffeIdChains: readonly ClientChain[] = [
  identified('an empty URI', id2, () => ''),
  identified('the scheme alone', id2, () => 'spiffe://'),
  identified('an empty trust domain', id21, () => 'spiffe:///a'),
  identified('one slash behind the scheme', id2, (td) => `spiffe:/${td}/a`),
  identified('three slashes behind the scheme', id21, (td) => `spiffe:///${td}/a`),
  identified('an upper-case scheme', id2, (td) => `SPIFFE://${td}/a`),
  identified('the scheme https', id2, (td) => `https://${td}/a`),
  identified('the scheme spiffes', id2, (td) => `spiffes://${td}/a`),
  identified('no scheme', id2, (td) => `${td}/a`),
  identified('space before the scheme', id2, (td) => ` spiffe://${td}/a`),
  identified('an upper-case trust domain', id21, (td) => `spiffe://${td.toUpperCase()}/a`),
  identified('one upper-case letter in the trust domain', id21, (td) => `spiffe://${td.replace('e', 'E')}/a`),
  identified('a port', id21, (td) => `spiffe://${td}:443/a`),
  identified('an empty port', id21, (td) => `spiffe://${td}:/a`),
  identified('userinfo', id21, (td) => `spiffe://admin@${td}/a`),
  identified('userinfo with password', id21, (td) => `spiffe://a:b@${td}/a`),
  identified('an IPv6 host', id21, () => 'spiffe://[::1]/a'),
  identified('a percent sign in the trust domain', id21, (td) => `spiffe://%73${td.slice(1)}/a`),
  identified('a backslash behind the trust domain', id21, (td) => `spiffe://${td}\\a`),
  identified('a byte above 0x7f in the trust domain', id21, (td) => `spiffe://${td}\xe9/a`),
  identified('an asterisk in the trust domain', id21, (td) => `spiffe://*.${td}/a`),
  identified('a NUL behind the trust domain', id21, (td) => `spiffe://${td}\0.evil.example/a`),
  identified('a trust domain of 256 bytes', id21, () => `spiffe://${'a'.repeat(256)}/a`),
  identified('no path', 'X509-SVID 3.1', (td) => `spiffe://${td}`),
  identified('the root path', 'X509-SVID 3.1', (td) => `spiffe://${td}/`),
  identified('two slashes as path', id22, (td) => `spiffe://${td}//`),
  identified('a trailing slash', id22, (td) => `spiffe://${td}/a/`),
  identified('an empty segment', id22, (td) => `spiffe://${td}/a//b`),
  identified('an empty first segment', id22, (td) => `spiffe://${td}//a`),
  identified('a dot segment', id22, (td) => `spiffe://${td}/a/./b`),
  identified('a dot segment at the end', id22, (td) => `spiffe://${td}/a/.`),
  identified('dot segments', id22, (td) => `spiffe://${td}/a/../admin`),
  identified('dot segments at the end', id22, (td) => `spiffe://${td}/a/..`),
  identified('dot segments first', id22, (td) => `spiffe://${td}/../a`),
  identified('a percent-encoded letter', id22, (td) => `spiffe://${td}/%61dmin`),
  identified('a percent-encoded dot', id22, (td) => `spiffe://${td}/a/%2e%2e/admin`),
  identified('a percent-encoded slash', id22, (td) => `spiffe://${td}/a%2fb`),
  identified('a percent sign alone', id22, (td) => `spiffe://${td}/a%`),
  identified('a query', id2, (td) => `spiffe://${td}/a?b`),
  identified('an empty query', id2, (td) => `spiffe://${td}/a?`),
  identified('a query without path', id2, (td) => `spiffe://${td}?a`),
  identified('a fragment', id2, (td) => `spiffe://${td}/a#b`),
  identified('an empty fragment', id2, (td) => `spiffe://${td}/a#`),
  identified('a space in the path', id22, (td) => `spiffe://${td}/a b`),
  identified('a space at the end', id22, (td) => `spiffe://${td}/a `),
  identified('NUL in the path, CVE-2025-66220', id22, (td) => `spiffe://${td}/a\0b`),
  identified('NUL at the end', id22, (td) => `spiffe://${td}/a\0`),
  identified('a newline in the path', id22, (td) => `spiffe://${td}/a\nb`),
  identified('an escape sequence in the path', id22, (td) => `spiffe://${td}/\x1b[31m`),
  identified('a byte above 0x7f in the path', id22, (td) => `spiffe://${td}/\xff`),
  identified('UTF-8 in the path', id22, (td) => `spiffe://${td}/${Buffer.from('é').toString('latin1')}`),
  identified('a full-width letter in the path', id22, (td) => `spiffe://${td}/${Buffer.from('ａ').toString('latin1')}`),
  identified('a comma and a second name in the path', id22, (td) => `spiffe://${td}/a, URI:spiffe://${td}/admin`),
  identified('a colon in the path', id22, (td) => `spiffe://${td}/a:b`),
  identified('a tilde in the path', id22, (td) => `spiffe://${td}/~a`),
  identified('a backslash in the path', id22, (td) => `spiffe://${td}/a\\b`),
  identified('a path parameter', id22, (td) => `spiffe://${td}/a;b=c`),
  identified('2049 bytes', 'SPIFFE-ID 2.3', (td) => exactly(td, 2049)),
  named({ rule: '2048 bytes', clause: 'SPIFFE-ID 2.3', verdict: 'served' }, ({ trustDomain }) => [
    uri(exactly(trustDomain, 2048)),
  ]),
  named({ rule: 'every character that is allowed', clause: id22, verdict: 'served' }, ({ trustDomain }) => [
    uri(`spiffe://${trustDomain}/AZaz09-._/.../.a/..b`),
  ]),
  named({ rule: 'an ID of another trust domain', clause: 'X509-SVID 5.2', verdict: 'wrong-trust-domain' }, () => [
    uri('spiffe://another.example/client'),
  ]),
  named({ rule: 'an ID of a longer trust domain', clause: 'X509-SVID 5.2', verdict: 'wrong-trust-domain' }, (world) => [
    uri(`spiffe://${world.trustDomain}.evil/client`),
  ]),
  named({ rule: 'an ID of a subdomain', clause: 'X509-SVID 5.2', verdict: 'wrong-trust-domain' }, ({ trustDomain }) => [
    uri(`spiffe://a.${trustDomain}/client`),
  ]),
  badIssuer(
    { rule: 'an issuer of another trust domain', clause: 'X509-SVID 3.2', verdict: 'wrong-trust-domain' },
    {
      extensions: { subjectAltName: subjectAltName([uri('spiffe://another.example')]) },
    },
  ),
  badIssuer(
    { rule: 'an issuer whose ID has a path', clause: 'X509-SVID 3.2', verdict: 'not-an-svid' },
    ({ trustDomain }) => ({
      extensions: { subjectAltName: subjectAltName([uri(`spiffe://${trustDomain}/ca`)]) },
    }),
  ),
  badIssuer({ rule: 'an issuer with two SPIFFE IDs', clause: svid, verdict: 'not-an-svid' }, ({ trustDomain: td }) => ({
    extensions: { subjectAltName: subjectAltName([uri(`spiffe://${td}`), uri(`spiffe://${td}`)]) },
  })),
  badIssuer(
    { rule: 'an issuer whose ID is malformed', clause: id21, verdict: 'wrong-trust-domain' },
    ({ trustDomain }) => ({
      extensions: { subjectAltName: subjectAltName([uri(`SPIFFE://${trustDomain}`)]) },
    }),
  ),
  badIssuer(
    { rule: 'an issuer with the ID of its trust domain', clause: 'X509-SVID 3.2', verdict: 'served' },
    ({ trustDomain }) => ({
      extensions: { subjectAltName: subjectAltName([uri(`spiffe://${trustDomain}`)]) },
    }),
  ),
];

function exactly(trustDomain: string, bytes: number): string {
  const start = `spiffe://${trustDomain}/`;
  return start + 'a'.repeat(bytes - start.length);
}
