import { test } from 'tap';
import { derToPem } from '../../../certs/certificate.ts';
import { handshakeRefusalReasons, isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer } from '../../../certs/peer.ts';
import { parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { readTrustBundle, trustBundleData } from '../../../certs/trust-bundle.ts';
import { allChains, chainGroups } from '../../pki/chains/all-chains.ts';
import { type ClientChain, foreignDomain, makeWorld, type Offer } from '../../pki/chains/chain.ts';

const world = makeWorld('shop.example', Date.now());
const pem = (certificates: readonly Buffer[]) => certificates.map((der) => derToPem(der, 'CERTIFICATE')).join('');

function trustFor({ roots = [world.root.der] }: Offer) {
  return readTrustBundle(
    trustBundleData([
      { trustDomain: parseTrustDomain(world.trustDomain), rootsPem: pem(roots) },
      { trustDomain: parseTrustDomain(foreignDomain), rootsPem: pem([world.foreignRoot.der]) },
    ]),
  );
}

/** By our own rules alone: OpenSSL's verdict, which could only refuse more, is left out. */
function judged({ offer }: ClientChain) {
  const offered = offer(world);
  const verdict = judgePeer(offered.chain, null, trustFor(offered), world.nowMs);
  return isHandshakeRefusal(verdict) ? verdict : undefined;
}

for (const [group, chains] of chainGroups) {
  test(group, async (t) => {
    const refusals = chains.map(judged);
    t.same(
      chains.map(({ rule }, at) => [rule, refusals[at]?.refused ?? 'served']),
      chains.map(({ rule, verdict }) => [rule, verdict]),
    );
    for (const refusal of refusals) if (refusal !== undefined) t.match(refusal.detail, /^[ -~]+$/);
  });
}

test('each reason of docs/errors.md is told of some chain, but for those that need no chain or a list', async (t) => {
  const lists = ['revoked', 'revocation-unknown', 'denylisted'];
  const chainless = ['no-certificate', 'unexpected-id', 'handshake-timeout', 'own-identity-expired', 'protocol'];
  const told = new Set(allChains.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'served'));
  t.same([...told, ...lists, ...chainless].toSorted(), [...handshakeRefusalReasons].toSorted());
});

test('each rule stands once, and most of them refuse', async (t) => {
  t.equal(new Set(allChains.map(({ rule }) => rule)).size, allChains.length);
  t.ok(allChains.filter(({ verdict }) => verdict !== 'served').length >= 250);
  t.ok(allChains.filter(({ verdict }) => verdict === 'served').length >= 40);
});
