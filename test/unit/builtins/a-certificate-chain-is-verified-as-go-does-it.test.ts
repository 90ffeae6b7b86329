import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { authorityPem, makeAuthority } from '../../pki/authority.ts';
import { call, callWith, context, requestTimeMs } from './call.ts';
import { chainPem, intermediatePem, nameConstraint, pki, rootPem, verified } from './pki-of-a-policy.ts';

const hourMs = 3_600_000;

test('a chain is verified from its last certificate to its first, and comes back leaf first', async (t) => {
  const pem = await chainPem({ dnsNames: ['www.a.test'] });
  t.match(call('crypto.x509.parse_and_verify_certificates', pem), [
    true,
    [
      { URIStrings: ['spiffe://a.test/client'] },
      { Subject: { CommonName: 'a.test intermediate' } },
      { Subject: { CommonName: 'a.test root' } },
    ],
  ]);
  t.equal(verified(pem), 3);
});

test('a chain that breaks anywhere is not verified', async (t) => {
  const other = await makeAuthority({ name: 'a.test root', nowMs: requestTimeMs });
  const noCa = await makeAuthority({ name: 'no ca', nowMs: requestTimeMs, issuer: pki.root, ca: false });
  const noSigner = await makeAuthority({ name: 'no signer', nowMs: requestTimeMs, issuer: pki.root, keyUsage: 1 });
  const deeper = await makeAuthority({ name: 'deeper', nowMs: requestTimeMs, issuer: pki.intermediate });
  for (const [why, pem] of [
    ['another root of the same name', await chainPem({}, [authorityPem(other), intermediatePem])],
    ['no intermediate', await chainPem({}, [rootPem])],
    ['one certificate', rootPem],
    ['none', ''],
    ['expired', await chainPem({ notAfterMs: requestTimeMs - 1000 })],
    ['not yet valid', await chainPem({ notBeforeMs: requestTimeMs + 1000 })],
    ['SHA-1', await chainPem({ hash: 'SHA-1' })],
    ['an issuer that is no CA', await chainPem({ issuer: noCa }, [rootPem, authorityPem(noCa)])],
    ['an issuer that may not sign', await chainPem({ issuer: noSigner }, [rootPem, authorityPem(noSigner)])],
    ['a path that is too long', await chainPem({ issuer: deeper }, [rootPem, intermediatePem, authorityPem(deeper)])],
    [
      'a critical extension that nobody knows',
      await chainPem({ extensions: [{ kind: 'other', oid: '1.2.3.4', critical: true, der: Buffer.of(5, 0) }] }),
    ],
  ] as const) {
    t.equal(verified(pem), 0, why);
  }
});

test('the time is that of the request or the one that the policy names, never that of the clock', async (t) => {
  const pem = await chainPem();
  t.equal(
    verified(pem, { CurrentTime: BigInt(requestTimeMs + 2 * hourMs) * 1_000_000n, KeyUsages: ['KeyUsageAny'] }),
    0,
  );
  const later = context({ unixMs: requestTimeMs + 2 * hourMs });
  t.same(callWith(later, 'crypto.x509.parse_and_verify_certificates', pem), [false, []]);
  const timeless = context({ unixMs: undefined });
  t.throws(() => callWith(timeless, 'crypto.x509.parse_and_verify_certificates', pem), BuiltinError);
});

test("the usage that is asked for must be allowed, a server's unless another is named", async (t) => {
  const client = await chainPem({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] });
  t.same(call('crypto.x509.parse_and_verify_certificates', client), [false, []]);
  t.equal(verified(client, {}), 0);
  t.equal(verified(client, { KeyUsages: ['KeyUsageClientAuth'] }), 3);
  t.equal(verified(client, { KeyUsages: ['KeyUsageAny'] }), 3);
  t.throws(() => verified(client, { KeyUsages: ['KeyUsageNone'] }), BuiltinError);
});

test('a name is looked for among the names, an address among the addresses', async (t) => {
  const pem = await chainPem({
    names: [
      { type: 'dns', value: '*.a.test' },
      { type: 'dns', value: 'plain.test' },
      { type: 'ip', value: '10.1.2.3' },
    ],
    subject: 'CN=common.test',
  });
  for (const [name, length] of [
    ['www.a.test', 3],
    ['WWW.A.TEST.', 3],
    ['plain.test', 3],
    ['10.1.2.3', 3],
    ['[::ffff:10.1.2.3]', 3],
    ['a.test', 0],
    ['x.www.a.test', 0],
    ['10.1.2.4', 0],
    ['common.test', 0],
  ] as const) {
    t.equal(verified(pem, { DNSName: name }), length, name);
  }
});

test('what is constrained above holds for every name below', async (t) => {
  const dns = 0x82;
  const uri = 0x86;
  const ip = 0x87;
  const constrained = async (der: Uint8Array, names: readonly { type: 'dns' | 'uri' | 'ip'; value: string }[]) => {
    const issuer = await makeAuthority({
      name: 'constrained',
      nowMs: requestTimeMs,
      issuer: pki.root,
      extensions: [{ kind: 'other', oid: '2.5.29.30', critical: true, der }],
    });
    return verified(await chainPem({ issuer, names }, [rootPem, authorityPem(issuer)]));
  };
  const dnsName = (value: string) => [{ type: 'dns', value } as const];
  t.equal(await constrained(nameConstraint('permitted', dns, 'a.test'), dnsName('www.A.test')), 3);
  t.equal(await constrained(nameConstraint('permitted', dns, 'a.test'), dnsName('xa.test')), 0);
  t.equal(await constrained(nameConstraint('permitted', dns, '.a.test'), dnsName('a.test')), 0);
  t.equal(await constrained(nameConstraint('excluded', dns, 'secret.a.test'), dnsName('*.a.test')), 0);
  const spiffe = (value: string) => [{ type: 'uri', value } as const];
  t.equal(await constrained(nameConstraint('permitted', uri, 'a.test'), spiffe('spiffe://a.test/x')), 3);
  t.equal(await constrained(nameConstraint('permitted', uri, 'a.test'), spiffe('spiffe://b.test/x')), 0);
  t.equal(await constrained(nameConstraint('excluded', uri, 'b.test'), spiffe('urn:no-host')), 0);
  const tenSlash8 = [10, 0, 0, 0, 255, 0, 0, 0];
  t.equal(await constrained(nameConstraint('permitted', ip, tenSlash8), [{ type: 'ip', value: '10.9.9.9' }]), 3);
  t.equal(await constrained(nameConstraint('permitted', ip, tenSlash8), [{ type: 'ip', value: '11.0.0.1' }]), 0);
  t.equal(
    await constrained(nameConstraint('permitted', ip, [10, 0, 0, 0, 255, 0, 255, 0]), []),
    0,
    'a mask with a hole',
  );
});

test('options that are unknown or of another type fail the call', async (t) => {
  const pem = await chainPem();
  for (const options of [
    { DNSname: 'a' },
    { DNSName: 1 },
    { CurrentTime: '1' },
    { CurrentTime: 0.5 },
    { CurrentTime: 2n ** 64n },
    { KeyUsages: 'KeyUsageAny' },
  ]) {
    t.throws(() => verified(pem, options), BuiltinError, Object.keys(options)[0] ?? '');
  }
});
