import { test } from 'tap';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer, type PeerSvid, stillValid } from '../../../certs/peer.ts';
import { readTrustBundle, type TrustBundle } from '../../../certs/trust-bundle.ts';
import { type Credential, makePki } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example' });
const trust = readTrustBundle(pki.trust);

function accepted(leaf: Credential, by: TrustBundle = trust): PeerSvid {
  const peer = judgePeer(leaf.chainDer, null, by, pki.nowMs);
  if (isHandshakeRefusal(peer)) throw new Error(peer.detail);
  return peer;
}

function refusal(leaf: Credential, by: TrustBundle, nowMs = pki.nowMs): string | undefined {
  const judged = judgePeer(leaf.chainDer, null, by, nowMs);
  return isHandshakeRefusal(judged) ? judged.refused : undefined;
}

test('a peer is valid up to the last millisecond of its certificate', async (t) => {
  const peer = accepted(await pki.issue());
  t.equal(stillValid(peer, trust, pki.nowMs), undefined);
  t.equal(stillValid(peer, trust, peer.notAfterMs), undefined);
  t.equal(stillValid(peer, trust, peer.notAfterMs + 1)?.reason, 'expired');
});

test('a peer revoked while connected is found with the next trust bundle, and stays found', async (t) => {
  const leaf = await pki.issue();
  const peer = accepted(leaf);
  const revoking = readTrustBundle(pki.trustWith(await pki.crl([leaf.serial])));
  t.equal(stillValid(peer, revoking, pki.nowMs)?.reason, 'revoked');
  t.equal(stillValid(peer, revoking, pki.nowMs)?.reason, 'revoked');
  t.equal(refusal(leaf, revoking), 'revoked');
  t.equal(refusal(await pki.issue(), revoking), undefined);
});

test('a peer whose root was removed is no longer trusted', async (t) => {
  const peer = accepted(await pki.issue());
  const other = await makePki({ trustDomain: 'shop.example' });
  t.equal(stillValid(peer, readTrustBundle(other.trust), pki.nowMs)?.reason, 'untrusted');
  t.equal(stillValid(peer, trust, pki.nowMs), undefined, 'and is again when the root comes back');
});

test('what is found on the way to the root ends a connection too', async (t) => {
  const peer = accepted(await pki.issue());
  const issuerRevoked = await pki.crl([pki.intermediate.certificate.serial], { by: pki.root });
  t.equal(stillValid(peer, readTrustBundle(pki.trustWith(issuerRevoked)), pki.nowMs)?.reason, 'revoked');
  const stale = await pki.crl([], { nextUpdateMs: pki.nowMs - 2000 });
  t.equal(stillValid(peer, readTrustBundle(pki.trustWith(stale)), pki.nowMs)?.reason, 'untrusted', 'a CRL out of date');
  const forged = await pki.crl([], { by: pki.root, as: pki.intermediate });
  t.equal(
    stillValid(peer, readTrustBundle(pki.trustWith(forged)), pki.nowMs)?.reason,
    'untrusted',
    'a CRL of somebody else',
  );
  t.equal(stillValid(peer, trust, pki.nowMs), undefined, 'and is good again with a good bundle');
});

// Ten thousand open connections are judged again in one turn of the event loop when somebody is revoked.
test('a new revocation list costs no signature check per connection', async (t) => {
  const leaf = await pki.issue();
  const revoking = readTrustBundle(pki.trustWith(await pki.crl([(await pki.issue()).serial])));
  const began = process.threadCpuUsage();
  const peers = Array.from({ length: 300 }, () => accepted(leaf));
  const accept = process.threadCpuUsage(began).user;
  const again = process.threadCpuUsage();
  t.ok(peers.every((peer) => stillValid(peer, revoking, pki.nowMs) === undefined));
  const judgeAgain = process.threadCpuUsage(again).user;
  t.ok(judgeAgain * 5 < accept, `${judgeAgain} us of processor time for what took ${accept} us when it connected`);
});

test('a bundle that says the same is the same revision', async (t) => {
  const again = readTrustBundle(structuredClone(pki.trust));
  t.equal(again.revision, trust.revision);
  t.equal(stillValid(accepted(await pki.issue()), again, pki.nowMs), undefined);
});

test('a peer that judgePeer has not made is not valid', async (t) => {
  const forged = { ...accepted(await pki.issue()) };
  t.equal(stillValid(forged, trust, pki.nowMs)?.reason, 'untrusted');
});

test('an intermediate revoked by the root takes its leaves with it', async (t) => {
  const crl = await pki.crl([pki.intermediate.certificate.serial], { by: pki.root });
  t.equal(refusal(await pki.issue(), readTrustBundle(pki.trustWith(crl))), 'revoked');
});

test('a CRL that is out of date or not yet current refuses what it can no longer speak for', async (t) => {
  const leaf = await pki.issue();
  const stale = await pki.crl([], { nextUpdateMs: pki.nowMs - 2000 });
  t.equal(refusal(leaf, readTrustBundle(pki.trustWith(stale))), 'revocation-unknown');
  const current = await pki.crl([]);
  t.equal(refusal(leaf, readTrustBundle(pki.trustWith(current))), undefined);
});

test('a CRL signed by somebody else in the name of the issuer is not believed', async (t) => {
  const forged = await pki.crl([], { by: pki.root, as: pki.intermediate });
  t.equal(refusal(await pki.issue(), readTrustBundle(pki.trustWith(forged))), 'revocation-unknown');
});
