import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Test, test } from 'tap';
import { derToPem } from '../../../certs/certificate.ts';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer } from '../../../certs/peer.ts';
import { parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { readTrustBundle, trustBundleData } from '../../../certs/trust-bundle.ts';
import { issuing, leaf, makeWorld } from '../../pki/chains/chain.ts';
import * as der from '../../pki/der.ts';
import { keysOf } from '../../pki/keys.ts';
import { authority, type Keys, schemes } from '../../pki/raw-certificate.ts';

const world = makeWorld('shop.example', Date.now());
const rootsPem = derToPem(world.root.der, 'CERTIFICATE');
const trust = readTrustBundle(trustBundleData([{ trustDomain: parseTrustDomain(world.trustDomain), rootsPem }]));

/** The verdict, and with which keys signatures were checked on the way to it. */
function judged(t: Test, chain: readonly Buffer[]) {
  const verify = Reflect.get(X509Certificate.prototype, 'verify') as (this: X509Certificate, key: KeyObject) => boolean;
  const checks = t.capture(X509Certificate.prototype, 'verify', verify);
  const verdict = judgePeer(chain, null, trust, world.nowMs);
  const keys = checks().map(({ args: [key] }) => key);
  checks.restore();
  return { verdict: isHandshakeRefusal(verdict) ? verdict.refused : 'served', keys };
}

/** The most that OpenSSL takes: each check would cost as much as a signature. Nobody has the private key. */
const costly: Keys = {
  ...keysOf('RSA-2048'),
  spki: der.sequence(
    der.sequence(der.oid('1.2.840.113549.1.1.1'), der.hex('0500')),
    der.bitString(
      der.sequence(der.tlv(0x02, Buffer.alloc(385, 0xc5).fill(0, 0, 1)), der.tlv(0x02, Buffer.alloc(384, 0x5b))),
    ),
  ),
  scheme: { ...schemes.rsaSha256, sign: () => Buffer.alloc(384, 0x11) },
};

const publicKey = ({ spki }: Keys) => createPublicKey({ key: spki, format: 'der', type: 'spki' });
const among = (keys: readonly KeyObject[], own: Keys) => keys.filter((key) => key.equals(publicKey(own))).length;

/** Nine authorities of one name and one key, so that each could have signed each. */
function crossed(keys: Keys) {
  const name = der.name('crossed');
  const issuer = { der: der.hex(''), name, keys };
  return { issuer, cas: Array.from({ length: 9 }, () => authority('crossed', keys, world.nowMs, issuer).der) };
}

test('of a stranger none is checked, whatever keys it brings', (t) => {
  for (const keys of [costly, keysOf('P-256', 6), keysOf('P-521')]) {
    const { issuer, cas } = crossed(keys);
    t.same(judged(t, [leaf(world, {}, issuer), ...cas]), { verdict: 'untrusted', keys: [] });
  }
  t.end();
});

test('a stranger that names a root as its issuer has it checked once, with the key of the root', (t) => {
  const stranger = authority(
    'stranger',
    costly,
    world.nowMs,
    { ...world.root, keys: keysOf('P-256', 6) },
    {
      extensions: { authorityKeyIdentifier: undefined },
    },
  );
  const { verdict, keys } = judged(t, [leaf(world, {}, stranger), stranger.der]);
  t.equal(verdict, 'untrusted');
  t.ok(keys.length === 1 && keys[0]?.equals(publicKey(world.root.keys)));
  t.end();
});

test('a costly key that a root has signed is refused without a check', (t) => {
  const issuer = issuing(world, 'costly', { keys: costly });
  const { verdict, keys } = judged(t, [leaf(world, {}, issuer), issuer.der]);
  t.equal(verdict, 'weak-key');
  t.equal(among(keys, costly), 0);
  t.end();
});

test('issuers that a root has signed, and that signed each other, are checked up to a bound for the whole verdict', (t) => {
  const { issuer, cas } = crossed(keysOf('P-256', 6));
  const signed = issuing(world, 'crossed', { keys: keysOf('P-256', 6), notAfter: der.time(world.nowMs - 60_000) });
  const { verdict, keys } = judged(t, [leaf(world, {}, issuer), signed.der, ...cas.slice(1)]);
  t.equal(verdict, 'expired');
  t.ok(keys.length <= 16, `${keys.length} checks`);
  t.end();
});

test('a good chain costs a check for each certificate', (t) => {
  t.match(judged(t, [leaf(world), world.intermediate.der]), { verdict: 'served', keys: { length: 2 } });
  t.end();
});
