import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { type Extension, oids } from '../../../certs/certificate.ts';
import { problemsOfFiles, filesSource } from '../../../certs/sources/files/source.ts';
import { type FileProblem, problemText } from '../../../certs/sources/files/problem.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { type AuthorityOptions, authorityPem, hourMs, makeAuthority } from '../../pki/authority.ts';
import { type Credential, type LeafOptions, makePki } from '../../pki/pki.ts';
import { svidFilesIn, writeSvidFiles } from '../../pki/svid-files.ts';

const trustDomain = parseTrustDomain('shop.example');
const pki = await makePki({ trustDomain });
const stranger = await makePki({ trustDomain });
const path = '/ns/shop/sa/orders';
const spiffeId = parseSpiffeId(`spiffe://${trustDomain}${path}`);
const good = await pki.issue({ path });
const again = await pki.issue({ path });
const plain = { format: 'pem', type: 'pkcs8' } as const;
const encrypted = { ...plain, cipher: 'aes-256-cbc', passphrase: 'horse' } as const;
const { privateKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const optionsFor = (folder: string) =>
  ({ files: svidFilesIn(folder), spiffeId, trustDomain, overdueShare: 0.8, now: Date.now }) as const;

type Files = ReturnType<typeof svidFilesIn>;
type Case = {
  readonly what: string;
  readonly spoil: (files: Files) => void;
  /** `file:line: message`, each problem. */
  readonly problems: readonly (readonly [code: string, text: RegExp])[];
};

const put = (part: keyof Files, text: string) => (files: Files) => writeFileSync(files[part], text);
const half = (pem: string) => pem.slice(0, pem.length / 2);

const cases: readonly Case[] = [
  {
    what: 'all three are missing: each is named, in one go',
    spoil: (files) => Object.values(files).forEach((file) => rmSync(file)),
    problems: [
      ['identity-file-unreadable', /svid\.pem: cannot be read \(ENOENT\)$/],
      ['identity-file-unreadable', /svid\.key: .*ENOENT/],
      ['identity-file-unreadable', /bundle\.pem: cannot be read \(ENOENT\)$/],
    ],
  },
  {
    what: 'a folder where the certificate should be',
    spoil: ({ certificate }) => {
      rmSync(certificate);
      mkdirSync(certificate);
    },
    problems: [['identity-file-unreadable', /svid\.pem: is a folder, not a file$/]],
  },
  {
    what: 'a device where the key should be, which would never end',
    spoil: ({ key }) => {
      rmSync(key);
      symlinkSync('/dev/zero', key);
    },
    problems: [['identity-file-unreadable', /svid\.key: is not a regular file$/]],
  },
  {
    what: 'an empty certificate',
    spoil: put('certificate', '\n'),
    problems: [['identity-file-unreadable', /svid\.pem: is empty$/]],
  },
  {
    what: 'a certificate of a megabyte and more',
    spoil: put('certificate', good.certPem.repeat(1000)),
    problems: [['identity-file-unreadable', /svid\.pem: has \d+ bytes, more than 1048576$/]],
  },
  {
    what: 'a certificate that is half written',
    spoil: put('certificate', half(good.certPem.slice(0, good.certPem.indexOf('-----END')))),
    problems: [['certificate-malformed', /svid\.pem:1: a certificate in PEM is damaged$/]],
  },
  {
    what: 'an intermediate that is half written',
    spoil: put('certificate', good.certPem.slice(0, -200)),
    problems: [['certificate-malformed', /svid\.pem:1[0-9]: a certificate in PEM is damaged$/]],
  },
  {
    what: 'what is base64 and no certificate',
    spoil: put('certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    problems: [['certificate-malformed', /svid\.pem:1: not a readable certificate/]],
  },
  {
    what: 'no PEM at all',
    spoil: put('certificate', 'hello'),
    problems: [['certificate-malformed', /svid\.pem: there is no certificate in PEM in it$/]],
  },
  {
    what: 'the key in the file of the certificate',
    spoil: put('certificate', good.certPem + good.keyPem),
    problems: [['certificate-malformed', /svid\.pem:\d+: a block PRIVATE KEY, where only certificates belong$/]],
  },
  {
    what: 'the key of another certificate',
    spoil: put('key', again.keyPem),
    problems: [['key-mismatch', /svid\.key:1: not the key of the certificate in .*svid\.pem$/]],
  },
  {
    what: 'a key of another kind',
    spoil: put('key', rsa.export(plain).toString()),
    problems: [['key-mismatch', /svid\.key:1: /]],
  },
  {
    what: 'an encrypted key',
    spoil: put('key', p256.export(encrypted).toString()),
    problems: [['key-encrypted', /svid\.key:1: the private key is encrypted$/]],
  },
  {
    what: 'an encrypted key of the old kind',
    spoil: put(
      'key',
      rsa.export({ format: 'pem', type: 'pkcs1', cipher: 'aes-256-cbc', passphrase: 'horse' }).toString(),
    ),
    problems: [['key-encrypted', /svid\.key:1: the private key is encrypted$/]],
  },
  {
    what: 'a key that is half written',
    spoil: put('key', half(good.keyPem)),
    problems: [['key-unreadable', /svid\.key:1: the private key cannot be read$/]],
  },
  {
    what: 'a certificate in the file of the key',
    spoil: put('key', good.certPem),
    problems: [['key-unreadable', /svid\.key: there is no private key in PEM in it$/]],
  },
  {
    what: 'two keys',
    spoil: put('key', good.keyPem + again.keyPem),
    problems: [['key-unreadable', /svid\.key:6: it holds 2 private keys$/]],
  },
  {
    what: 'a key that everybody can read',
    spoil: ({ key }) => chmodSync(key, 0o644),
    problems: [['key-file-exposed', /svid\.key: has mode 0644, must be 0600$/]],
  },
  {
    what: 'an empty bundle',
    spoil: put('bundle', ''),
    problems: [['identity-file-unreadable', /bundle\.pem: is empty$/]],
  },
  {
    what: 'a bundle with a leaf in it',
    spoil: put('bundle', pki.caPem + good.certPem),
    problems: [
      ['trust-bundle-invalid', /bundle\.pem:1\d: .* in the bundle of shop\.example is not a CA certificate$/],
      ['trust-bundle-invalid', /bundle\.pem:2\d: .* is not self-signed, so no path can end in it$/],
    ],
  },
  {
    what: 'a bundle with a private key in it',
    spoil: put('bundle', pki.caPem + good.keyPem),
    problems: [['trust-bundle-invalid', /bundle\.pem:\d+: a block PRIVATE KEY, where only certificates belong$/]],
  },
  {
    what: 'a bundle that is cut off',
    spoil: put('bundle', pki.caPem.slice(0, -40)),
    problems: [['trust-bundle-invalid', /bundle\.pem:1: a certificate in PEM is damaged$/]],
  },
  {
    what: 'a bundle of somebody else',
    spoil: put('bundle', stranger.caPem),
    problems: [['svid-untrusted', /svid\.pem:1: no path from issuer .* to a root of the trust bundle$/]],
  },
  {
    what: 'an SVID without its intermediate',
    spoil: put('certificate', good.certPem.slice(0, good.certPem.indexOf('-----END') + 26)),
    problems: [['svid-untrusted', /svid\.pem:1: .*; no intermediate was presented$/]],
  },
];

test('the positive twin: what is good is an identity, in every form in which tools write it', async (t) => {
  const folder = t.testdir();
  const withRoot: Credential = { ...good, certPem: `# subject: O=test\n${good.certPem}${pki.caPem}` };
  writeSvidFiles(folder, withRoot, `${stranger.caPem}${pki.caPem}`);
  const source = await filesSource(optionsFor(folder));
  t.teardown(source.close);
  t.match(source.current(), {
    spiffeId,
    chainPem: good.certPem,
    keyPem: good.keyPem,
    serial: good.serial.toUpperCase(),
  });
  t.equal(source.trust()[0]?.rootsPem.length, 2);
  for (const form of ['sec1', 'pkcs8'] as const) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(svidFilesIn(folder).key, privateKey.export({ format: 'pem', type: form }).toString());
    t.match(await problemsOfFiles(optionsFor(folder)), [{ code: 'key-mismatch' }], `${form} is read`);
  }
});

for (const { what, spoil, problems } of cases) {
  test(what, async (t) => {
    const folder = t.testdir();
    writeSvidFiles(folder, good, pki.caPem);
    spoil(svidFilesIn(folder));
    const found = await problemsOfFiles(optionsFor(folder));
    t.same(
      found.map(({ code }) => code),
      problems.map(([code]) => code),
      found.map(problemText).join('\n'),
    );
    for (const [index, [, text]] of problems.entries()) t.match(problemText(found[index] as FileProblem), text);
    if (problems.length > 0) await t.rejects(filesSource(optionsFor(folder)), { code: problems[0]?.[0] });
  });
}

const names = (...values: readonly string[]) => values.map((value) => ({ type: 'uri', value }) as const);
const foreign: Extension = { kind: 'subject-alt-name', names: names('spiffe://other.example') };
const issuer = (options: Omit<AuthorityOptions, 'name' | 'nowMs' | 'issuer'>) =>
  makeAuthority({ name: 'issuer', nowMs: pki.nowMs, issuer: pki.root, ...options });

/** One for each kind of reason: the rules themselves are tested where peers are judged. */
const leaves: Readonly<Record<string, readonly [LeafOptions, code: string, text: RegExp]>> = {
  expired: [{ notAfterMs: pki.nowMs - 2000 }, 'svid-expired', / expired 20/],
  'not yet valid': [
    { notBeforeMs: pki.nowMs + hourMs, notAfterMs: pki.nowMs + 2 * hourMs },
    'svid-not-yet-valid',
    / is valid from /,
  ],
  'a CA as leaf': [{ ca: true }, 'svid-invalid', /the leaf is a CA/],
  'two URI SANs': [{ names: names(spiffeId, `${spiffeId}/b`) }, 'svid-invalid', /2 URI SANs/],
  'a SHA-1 signature': [{ hash: 'SHA-1' }, 'svid-invalid', /SHA-1/],
  'a weak key': [{ key: 'RSA-1024' }, 'svid-invalid', /RSA 1024/],
  'a certificate for servers alone': [{ extendedKeyUsage: [oids.serverAuth] }, 'svid-invalid', /clientAuth/],
  'an issuer that is not there': [{ presented: [] }, 'svid-untrusted', /no intermediate was presented/],
  'an issuer that has expired': [{ issuer: await issuer({ lifetimeMs: -1000 }) }, 'svid-expired', /expired/],
  'an issuer of another trust domain': [
    { issuer: await issuer({ extensions: [foreign] }) },
    'svid-foreign',
    /an issuer of the path is spiffe:\/\/other\.example/,
  ],
};

test('an SVID that would be refused of a peer is refused of ourselves', async (t) => {
  const folder = t.testdir();
  for (const [what, [leaf, code, message]] of Object.entries(leaves)) {
    writeSvidFiles(folder, await pki.issue({ path, ...leaf }), pki.caPem);
    const found = await problemsOfFiles(optionsFor(folder));
    t.match(found, [{ part: 'certificate', line: 1, code, message }], `${what}: ${found.map(problemText).join()}`);
    t.equal(found.length, 1, what);
  }
});

test('an SVID of another SPIFFE ID or trust domain is named beside what was configured', async (t) => {
  const folder = t.testdir();
  for (const name of [`spiffe://${trustDomain}/other`, `spiffe://other.example${path}`]) {
    writeSvidFiles(folder, await pki.issue({ names: names(name) }), pki.caPem);
    t.match(await problemsOfFiles(optionsFor(folder)), [
      { code: 'svid-foreign', line: 1, message: `the SVID is ${name}, and identity.spiffe_id is ${spiffeId}` },
    ]);
  }
});

test('an SVID ends with its issuer', async (t) => {
  const folder = t.testdir();
  const brief = await makeAuthority({ name: 'brief', nowMs: pki.nowMs, issuer: pki.root, lifetimeMs: hourMs / 2 });
  writeSvidFiles(folder, await pki.issue({ path, issuer: brief }), authorityPem(pki.root));
  const source = await filesSource(optionsFor(folder));
  t.teardown(source.close);
  t.equal(source.current().notAfterMs, Math.floor((pki.nowMs + hourMs / 2) / 1000) * 1000);
  t.notMatch(readFileSync(svidFilesIn(folder).key, 'utf8'), 'ENCRYPTED');
});
