import fc from 'fast-check';
import { test } from 'tap';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer } from '../../../certs/peer.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { makePki } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example' });
const other = await makePki({ trustDomain: 'other.example' });
const trust = readTrustBundle([...pki.trust, ...other.trust]);

function refusal(chainDer: readonly Uint8Array[], verdict: string | null = null, nowMs = pki.nowMs) {
  const judged = judgePeer(chainDer, verdict, trust, nowMs);
  return isHandshakeRefusal(judged) ? judged : undefined;
}

test('a good leaf is accepted with the facts of its certificate', async (t) => {
  const good = await pki.issue({ dnsNames: ['localhost'] });
  const peer = judgePeer(good.chainDer, null, trust, pki.nowMs);
  t.match(peer, {
    spiffeId: 'spiffe://shop.example/client',
    trustDomain: 'shop.example',
    serial: good.serial,
    subject: 'O=test',
    issuer: 'CN=shop.example intermediate',
    notAfterMs: Math.floor((pki.nowMs + 3_600_000) / 1000) * 1000,
    signatureAlgorithm: 'ECDSA-SHA-256',
    keyAlgorithm: 'EC P-256',
    dnsNames: ['localhost'],
  });
  t.ok(Object.isFrozen(peer));
});

test('a leaf without extended key usage is accepted, X509-SVID section 4.4', async (t) => {
  t.equal(refusal((await pki.issue({ extendedKeyUsage: 'none' })).chainDer), undefined);
  t.equal(refusal((await pki.issue({ key: 'RSA-2048' })).chainDer), undefined);
  t.equal(refusal((await pki.issue({ key: 'P-384' })).chainDer), undefined);
});

test('a certificate of an unknown CA is untrusted, whatever else it breaks', async (t) => {
  const stranger = await makePki({ trustDomain: 'shop.example' });
  t.equal(refusal((await stranger.issue()).chainDer)?.refused, 'untrusted');
  t.equal(refusal((await stranger.issue({ names: [] })).chainDer)?.refused, 'untrusted');
  t.match(refusal((await stranger.issue()).chainDer)?.claimed, { subject: 'O=test' });
});

test('a peer that shows its leaf alone is told from one whose issuers nobody knows', async (t) => {
  const [leaf = new Uint8Array()] = (await pki.issue()).chainDer;
  t.match(refusal([leaf]), { refused: 'untrusted', detail: /; no intermediate was presented$/ });
  const stranger = await makePki({ trustDomain: 'shop.example' });
  t.notMatch(refusal((await stranger.issue()).chainDer)?.detail, /no intermediate/);
});

test('a leaf of one trust domain under the root of the other is refused, as ghostunnel does not', async (t) => {
  const leaf = await other.issue({ names: [{ type: 'uri', value: 'spiffe://shop.example/client' }] });
  t.equal(refusal(leaf.chainDer)?.refused, 'wrong-trust-domain');
});

test('a flipped bit in the leaf breaks its signature', async (t) => {
  const [leaf, ...rest] = (await pki.issue()).chainDer;
  const flipped = Uint8Array.from(leaf ?? []);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  t.equal(refusal([flipped, ...rest])?.refused, 'untrusted');
});

test('no change of any byte of the leaf is accepted, and none throws', async (t) => {
  const [leaf = new Uint8Array(), ...rest] = (await pki.issue()).chainDer;
  fc.assert(
    fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Uint8Array.from(leaf);
      changed[at] = (changed[at] ?? 0) ^ change;
      return refusal([changed, ...rest]) !== undefined;
    }),
    { numRuns: 400 },
  );
  t.equal(refusal([leaf, ...rest]), undefined);
});

test('what is not a certificate, or has bytes behind it, is malformed', async (t) => {
  const [leaf, ...rest] = (await pki.issue()).chainDer;
  const der = leaf ?? new Uint8Array();
  t.equal(refusal([new Uint8Array(0)])?.refused, 'malformed-certificate');
  t.equal(refusal([der.subarray(0, 100), ...rest])?.refused, 'malformed-certificate');
  t.equal(refusal([Buffer.concat([der, Buffer.from([0])]), ...rest])?.refused, 'malformed-certificate');
  t.equal(refusal([der, Buffer.from('rubbish')])?.refused, 'malformed-certificate');
  t.equal(refusal(Array.from({ length: 11 }, () => der))?.refused, 'malformed-certificate');
});

test('no certificate has its own reason', (t) => {
  t.equal(refusal([], 'UNABLE_TO_GET_ISSUER_CERT')?.refused, 'no-certificate');
  t.end();
});

test('a good chain is still refused when OpenSSL refused it', async (t) => {
  const { chainDer } = await pki.issue();
  t.equal(refusal(chainDer, 'CERT_REVOKED')?.refused, 'revoked');
  t.equal(refusal(chainDer, 'INVALID_PURPOSE')?.refused, 'wrong-usage');
  t.equal(refusal(chainDer, 'CRL_HAS_EXPIRED')?.refused, 'revocation-unknown');
  t.equal(refusal(chainDer, 'A_CODE_OF_THE_FUTURE')?.refused, 'untrusted');
  t.equal(refusal(chainDer, '')?.refused, 'untrusted');
});

test('crossed certificates do not make the search explode', async (t) => {
  const { chainDer } = await pki.issue({ presented: [] });
  const crossed = await Promise.all(Array.from({ length: 9 }, () => pki.issue({ ca: true })));
  const began = process.threadCpuUsage();
  t.equal(
    refusal([...chainDer, ...crossed.flatMap(({ chainDer: [der] }) => (der ? [der] : []))])?.refused,
    'untrusted',
  );
  t.ok(process.threadCpuUsage(began).user < 1_000_000);
});
