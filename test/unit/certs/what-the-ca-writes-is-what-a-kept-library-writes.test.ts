import { test } from 'tap';
import { keyUsageBits, oids } from '../../../certs/certificate.ts';
import { encodeName } from '../../../certs/name.ts';
import { signCertificate } from '../../../certs/sign-certificate.ts';
import { checkCertificateForm } from '../../../certs/certificate-form.ts';
import { readDer } from '../../../certs/der.ts';
import { makeKey } from '../../pki/authority.ts';
import { signCertificate as signByLibrary } from '../../pki/x509.ts';

/** What is signed, to the byte, but for the names: the library writes a name as PrintableString where it can. */
function signedParts(der: Uint8Array): readonly string[] {
  const [signed, algorithm] = readDer(der).children;
  const parts = (signed?.children ?? []).map(({ raw }) => raw.toString('hex'));
  return [...parts.toSpliced(5, 1).toSpliced(3, 1), algorithm?.raw.toString('hex') ?? ''];
}

const beforeMs = Date.UTC(2026, 10, 22, 22, 0, 7);
const lifetimes = { 'of an hour': 3_600_000, 'past 2049, where times have another form': 25 * 365.25 * 86_400_000 };
const authority = keyUsageBits.keyCertSign | keyUsageBits.crlSign;
const uri = 'spiffe://shop.example/ns/a/sa/b';

for (const [what, lifetimeMs] of Object.entries(lifetimes)) {
  for (const [kind, hash] of [
    ['P-256', 'SHA-256'],
    ['P-384', 'SHA-384'],
  ] as const) {
    for (const pathLength of [undefined, 0, 1, 3]) {
      void test(`a certificate ${what}, ${kind}, path length ${pathLength}`, async (t) => {
        const ca = pathLength !== undefined;
        const [{ publicKey }, issuerKey] = await Promise.all([makeKey(kind, hash), makeKey(kind, hash)]);
        // A serial whose first bit is set takes a byte more.
        const same = { serial: ca ? 'F1000000000000000000000000000002' : '41', notBeforeMs: beforeMs, publicKey };
        const notAfterMs = beforeMs + lifetimeMs;
        const bits = ca ? authority : keyUsageBits.digitalSignature;
        const constraints = { kind: 'basic-constraints', ca, ...(ca ? { pathLength } : {}) } as const;
        const usages = { kind: 'extended-key-usage', oids: [oids.serverAuth, oids.clientAuth] } as const;
        const kept = await signByLibrary(
          {
            ...same,
            notAfterMs,
            subject: 'O=Shop é',
            issuer: 'CN=Root',
            extensions: [
              constraints,
              { kind: 'key-usage', bits },
              usages,
              {
                kind: 'subject-alt-name',
                names: [
                  { type: 'uri', value: uri },
                  { type: 'dns', value: 'localhost' },
                ],
              },
            ],
          },
          issuerKey,
        );
        const ours = await signCertificate(
          {
            ...same,
            notAfterMs,
            subject: encodeName('O', 'Shop é'),
            issuer: encodeName('CN', 'Root'),
            extensions: [
              constraints,
              { kind: 'key-usage', bits },
              usages,
              { kind: 'subject-alt-name', uris: [uri], dnsNames: ['localhost'] },
            ],
          },
          issuerKey,
        );
        t.same(signedParts(ours.der), signedParts(kept.der));
        t.same(checkCertificateForm(ours.der).subjectDer, checkCertificateForm(kept.der).subjectDer);
        t.equal(ours.issuer, kept.issuer);
        t.ok(ours.openssl.verify((await signedBy(issuerKey)).openssl.publicKey));
        t.end();
      });
    }
  }
}

/** The issuer's key as OpenSSL has it. */
const signedBy = (key: Awaited<ReturnType<typeof makeKey>>) =>
  signCertificate(
    {
      serial: '01',
      subject: encodeName('CN', 'Root'),
      issuer: encodeName('CN', 'Root'),
      notBeforeMs: beforeMs,
      notAfterMs: beforeMs + 1000,
      publicKey: key.publicKey,
      extensions: [],
    },
    key,
  );
