import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { authorityPem } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';
import { good, problemsOf, world, writeFolder } from './folder.ts';

const pki = await makePki({ trustDomain: 'shop.example', nowMs: Date.now() });
const other = await makePki({ trustDomain: 'shop.example', nowMs: Date.now() });
const crl = await pki.crl(['0A']);
const files = {
  'ca.pem': authorityPem(pki.intermediate),
  'ca.crl': crl,
  'ended.crl': await pki.crl([], { nextUpdateMs: Date.now() - 1000 }),
  'foreign.crl': await other.crl([], { as: pki.intermediate }),
  'cut.crl': crl.slice(0, -60),
  'empty.pem': '',
};
const url = 'http://pki.shop.test/ca.crl';

void test('good ones, with their defaults', async (t) => {
  const text = `${good}crls:\n  - { issuer: ca.pem, file: ca.crl }\n  - { issuer: ca.pem, url: ${url} }\nfetch: { allow: [10.0.0.0/8, "::1"], ca: ca.pem }\n`;
  const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
  t.match(loaded, {
    ok: true,
    config: {
      crls: [
        { kind: 'file', issuerFile: /ca\.pem$/, file: /ca\.crl$/ },
        { kind: 'url', url, refreshMs: 3_600_000 },
      ],
      fetch: { allow: ['10.0.0.0/8', '::1'], caFile: /ca\.pem$/ },
    },
  });
  const said = loaded.ok ? configSummary(loaded.config, { color: false }) : '';
  t.match(
    said,
    /revoked +\S+ca\.crl, by the CAs of \S+ca\.pem\n +revoked +http:\/\/pki\.shop\.test\/ca\.crl, every 1h, by/,
  );
  for (const file of ['ca.pem', 'ca.crl']) t.ok(loaded.watched.some((one) => one.endsWith(file)));
  const ended = `${good}crls:\n  - { issuer: ca.pem, file: ended.crl }\n`;
  t.same(await problemsOf(writeFolder(t.testdir(), ended, files)), [], 'time judges at the handshake, not here');
});

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  ['crls: [{ file: ca.crl }]', /crls\[0\]\.issuer.*is required/],
  ['crls: [{ issuer: ca.pem }]', /crls\[0\].*needs one of `file` and `url`/],
  [`crls: [{ issuer: ca.pem, file: ca.crl, url: "${url}" }]`, /only one of `file` and `url`/],
  ['crls: [{ issuer: ca.pem, file: ca.crl, refresh: 1h }]', /refresh.*a file is watched/],
  [`crls: [{ issuer: ca.pem, url: "${url}", refresh: 2d }]`, /refresh/],
  ['crls: [{ issuer: ca.pem, url: "ftp://pki.test/ca.crl" }]', /crls\[0\]\.url.*is not https or http/],
  ['crls: [{ issuer: ca.pem, url: "http://a:b@pki.test/ca.crl" }]', /user or password/],
  ['crls: [{ issuer: ca.pem, url: "https://10.0.0.1/ca.crl" }]', /https needs a name/],
  ['crls: [{ issuer: ca.pem, url: "http://pki.test/#a" }]', /fragment/],
  [`crls: [{ issuer: ca.pem, url: "${url}" }, { issuer: ca.pem, url: "${url}" }]`, /crls\[1\]\.url.*that of crls\[0\]/],
  ['crls: [{ issuer: none.pem, file: ca.crl }]', /crls\[0\]\.issuer.*no such file/],
  ['crls: [{ issuer: empty.pem, file: ca.crl }]', /crls\[0\]\.issuer.*no certificate of an issuer/],
  ['crls: [{ issuer: ca.pem, file: none.crl }]', /crls\[0\]\.file.*no such file/],
  ['crls: [{ issuer: ca.pem, file: cut.crl }]', /crls\[0\]\.file.*no readable X509 CRL/],
  ['crls: [{ issuer: ca.pem, file: ca.pem }]', /crls\[0\]\.file.*no readable X509 CRL/],
  ['crls: [{ issuer: ca.pem, file: foreign.crl }]', /crls\[0\]\.file.*not signed by any of its issuers/],
  ['fetch: { allow: [10.0.0.0/33] }', /fetch\.allow\[0\].*is no network/],
  ['fetch: { allow: [localhost] }', /fetch\.allow\[0\].*is no network/],
  ['fetch: { ca: empty.pem }', /fetch\.ca.*no certificate/],
];

for (const [text, problem] of wrong) {
  void test(text, async (t) => {
    const problems = await problemsOf(writeFolder(t.testdir(), `${good}${text}\n`, files));
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], problem);
  });
}
