import { test } from 'tap';
import { parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { readTrustBundle, trustBundleData } from '../../../certs/trust-bundle.ts';
import { authorityPem, makeAuthority, makeKey } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';

const shop = await makePki({ trustDomain: 'shop.example' });
const bank = await makePki({ trustDomain: 'bank.example' });
const invalid = { code: 'trust-bundle-invalid' };
const domain = (rootsPem: readonly string[], crlsPem: readonly string[] = []) => [
  { trustDomain: 'shop.example', rootsPem, crlsPem },
];

test('its data is the same in whatever order it was given, and survives a structured clone', (t) => {
  const entries = [shop, bank].map((pki) => ({ trustDomain: parseTrustDomain(pki.trustDomain), rootsPem: pki.caPem }));
  const data = trustBundleData(entries);
  t.same(trustBundleData(entries.toReversed()), data);
  t.same(structuredClone(data), data);
  const [first] = entries;
  t.same(trustBundleData(first ? [{ ...first, rootsPem: first.rootsPem + first.rootsPem }] : []), bankless(data));
  t.end();
});

function bankless(data: ReturnType<typeof trustBundleData>) {
  return data.filter(({ trustDomain }) => trustDomain === 'shop.example');
}

test('one root may not speak for two trust domains', (t) => {
  const [entry] = shop.trust;
  t.throws(
    () => readTrustBundle([...shop.trust, { ...entry, trustDomain: 'x', rootsPem: [shop.caPem], crlsPem: [] }]),
    invalid,
  );
  t.end();
});

test('a trust domain without roots, given twice or misspelt is refused', (t) => {
  t.throws(() => readTrustBundle(domain([])), invalid);
  t.throws(() => readTrustBundle([...shop.trust, ...shop.trust]), invalid);
  t.throws(() => readTrustBundle([{ trustDomain: 'Shop', rootsPem: [shop.caPem], crlsPem: [] }]), {
    code: 'trust-domain-invalid',
  });
  t.end();
});

test('a leaf, a CA that may not sign and a weak CA are no roots', async (t) => {
  const { nowMs } = shop;
  const leaf = await shop.issue();
  t.throws(() => readTrustBundle(domain([leaf.certPem])), invalid);
  const mute = await makeAuthority({ name: 'mute', nowMs, keyUsage: 1 });
  t.throws(() => readTrustBundle(domain([authorityPem(mute)])), invalid);
  const weak = await makeAuthority({ name: 'weak', nowMs, key: await makeKey('RSA-1024') });
  t.throws(() => readTrustBundle(domain([authorityPem(weak)])), invalid);
});

test('a damaged certificate or CRL is refused', (t) => {
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  t.throws(() => readTrustBundle(domain([damaged])), { code: 'certificate-malformed' });
  const crl = '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n';
  const unreadable = { code: 'revocation-list-invalid' };
  t.throws(() => readTrustBundle(domain([shop.caPem], [crl])), unreadable);
  for (const notACrl of ['', crl.replaceAll('X509 CRL', 'CRL'), crl.replace('AAAA', 'AA!A')]) {
    t.throws(() => readTrustBundle(domain([shop.caPem], [notACrl])), unreadable, 'never left out quietly');
  }
  const cut = damaged.replace('AAAA', '!');
  t.throws(() => readTrustBundle(domain([shop.caPem + cut])), { code: 'certificate-malformed' });
  t.end();
});
