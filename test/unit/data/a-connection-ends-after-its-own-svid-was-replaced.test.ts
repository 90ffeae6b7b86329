import { test } from 'tap';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { judgePeer } from '../../../certs/peer.ts';
import type { SvidMaterial } from '../../../certs/sources/svid-source.ts';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { endingsOf } from '../../../proxy/data/endings.ts';
import { drainDelayMs, ownSvids } from '../../../proxy/data/own-svids.ts';
import type { RefusalParts } from '../../../proxy/data/refusal.ts';
import type { ConnectionFacts } from '../../../proxy/exchange.ts';
import { lastCallLooks, sweepMs } from '../../../proxy/connection-host.ts';
import { makePki } from '../../pki/pki.ts';

const minute = 60_000;
const wallMs = Date.now();

function svid(serial: string, notAfterMs: number): SvidMaterial {
  const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
  return { spiffeId, chainPem: serial, keyPem: `key of ${serial}`, serial, notBeforeMs: 0, notAfterMs };
}

const pki = await makePki({ trustDomain: 'shop.example' });
const leaf = await pki.issue({ notAfterMs: wallMs + 1000 * minute });
const trust = readTrustBundle(pki.trust);

/** One connection that was opened at 0 under an SVID of an hour, and a clock that the test moves. */
function open() {
  const peer = judgePeer(leaf.chainDer, null, trust, wallMs);
  if (isHandshakeRefusal(peer)) throw new Error(peer.detail);
  let passedMs = 0;
  const clock = { nowMs: () => wallMs + passedMs, monotonicMs: () => passedMs, monotonicNs: () => 0n };
  const limits = { maxConnectionAgeMs: 1000 * minute, drainAfterRotationMs: 10 * minute };
  const records: unknown[] = [];
  const counted: string[] = [];
  const parts = {
    clock,
    snapshot: () => ({ trust, digest: '', config: { limits } }),
    audit: { commit: ({ reason, detail }: { reason: string; detail: string }) => records.push({ reason, detail }) },
    measurements: { connectionEnded: (end: string) => counted.push(end) },
    newId: () => 'id',
  } as unknown as RefusalParts;
  const own = ownSvids(svid('1', wallMs + 60 * minute), clock);
  const arrival = { remote: { ip: '127.0.0.1', port: 1 }, acceptedNs: 0n, own: own.current() };
  const tls = { version: 'TLSv1.3', cipher: '', alpn: undefined };
  const facts: ConnectionFacts = {
    id: 'id',
    openedMs: wallMs,
    peer,
    remote: arrival.remote,
    local: { ip: '127.0.0.1', port: 2 },
    tls,
    serverName: undefined,
  };
  const at = (ms: number) => {
    passedMs = ms;
  };
  return { own, at, limits, records, counted, ...endingsOf(parts, arrival, facts) };
}

test('each waits its part of the time, from a tenth of it up to nine tenths', async (t) => {
  const replaced = { atMs: 0, restMs: 30 * minute };
  t.equal(drainDelayMs(replaced, 10 * minute, 0), minute);
  t.equal(drainDelayMs(replaced, 10 * minute, 0.5), 5 * minute);
  t.ok(drainDelayMs(replaced, 10 * minute, 1 - Number.EPSILON) <= 9 * minute);
});

test('an SVID that has less left than that gives no more than it has', async (t) => {
  t.ok(drainDelayMs({ atMs: 0, restMs: minute }, 10 * minute, 1 - Number.EPSILON) <= 54_000);
  t.equal(drainDelayMs({ atMs: 0, restMs: 0 }, 10 * minute, 0.5), 0);
});

test('a short time has room for the last call of an idle connection', async (t) => {
  const replaced = { atMs: 0, restMs: 30 * minute };
  for (const random of [0, 0.5, 1 - Number.EPSILON]) {
    const delay = drainDelayMs(replaced, 2000, random);
    t.ok(delay >= 200 && delay + (lastCallLooks + 2) * sweepMs <= 2000, `${delay} ms`);
    t.equal(drainDelayMs({ atMs: 0, restMs: 1000 }, 2000, random), 0, 'there is none: at once');
  }
});

test('a replaced SVID is known as replaced from then on, and one that is sent again is not replaced', async (t) => {
  let passedMs = 5;
  const clock = { nowMs: () => wallMs + passedMs, monotonicMs: () => passedMs };
  const own = ownSvids(svid('1', wallMs + 60 * minute), clock);
  const first = own.current();
  own.replaceBy(svid('1', wallMs + 60 * minute));
  t.equal(own.current(), first);
  t.equal(first.replaced, undefined);
  passedMs = minute;
  own.replaceBy(svid('2', wallMs + 90 * minute));
  t.match(own.current(), { notAfterMs: wallMs + 90 * minute, replaced: undefined });
  t.same(first.replaced, { atMs: minute, restMs: 59 * minute });
  passedMs = 200 * minute;
  const second = own.current();
  own.replaceBy(svid('3', wallMs + 300 * minute));
  t.same(first.replaced, { atMs: minute, restMs: 59 * minute });
  t.same(second.replaced, { atMs: 200 * minute, restMs: 0 });
});

test('under the newest SVID a connection has no end of this kind', async (t) => {
  const { aged, ended, at, records } = open();
  at(59 * minute);
  t.equal(aged(), false);
  t.equal(ended(), undefined);
  t.same(records, []);
});

test('it asks for its end within the time since the rotation, with one record', async (t) => {
  const { own, at, aged, ended, records, counted } = open();
  own.replaceBy(svid('2', wallMs + 120 * minute));
  at(59_000);
  t.equal(aged(), false, 'not before a tenth of it');
  at(9 * minute);
  t.equal(aged(), true);
  t.equal(aged(), true);
  t.equal(ended(), undefined, 'what is under way goes on');
  at(61 * minute);
  t.equal(ended()?.code, 'own-identity-expired', 'but not beyond the end of the SVID');
  t.same(records, [{ reason: 'own-svid-replaced', detail: 'replaced for 540000 ms' }]);
  t.same(counted, ['own-svid-replaced']);
});

test('a time that is changed holds for connections that are open', async (t) => {
  const { own, at, aged, limits } = open();
  own.replaceBy(svid('2', wallMs + 120 * minute));
  at(1000);
  t.equal(aged(), false);
  limits.drainAfterRotationMs = 1000;
  t.equal(aged(), true);
});

test('an SVID that ends soon is left before it does, whatever time is configured', async (t) => {
  const { own, at, aged, ended, records } = open();
  at(59 * minute);
  own.replaceBy(svid('2', wallMs + 120 * minute));
  at(59 * minute + 54_000);
  t.equal(aged(), true);
  t.equal(ended(), undefined);
  t.equal(records.length, 1);
});

test('what nobody asked in the meantime ends with the old SVID, and says so', async (t) => {
  const { own, at, ended, records } = open();
  own.replaceBy(svid('2', wallMs + 120 * minute));
  at(60 * minute);
  t.equal(ended(), undefined, 'its last millisecond is still good');
  at(60 * minute + 1);
  t.equal(ended()?.code, 'own-identity-expired');
  t.same(records, [{ reason: 'own-svid-replaced', detail: 'replaced, and has expired' }]);
});

test('connections that were opened together reach their age within a tenth of it, and not together', async (t) => {
  const connections = Array.from({ length: 60 }, open);
  const agedAt = (minutes: number) => {
    for (const { at } of connections) at(minutes * minute);
    return connections.filter(({ aged }) => aged()).length;
  };
  t.equal(agedAt(899.99), 0);
  const half = agedAt(950);
  t.ok(half > 0 && half < connections.length, `${half} of ${connections.length} halfway`);
  t.equal(agedAt(1000), connections.length);
  t.same(new Set(connections.flatMap(({ counted }) => counted)), new Set(['max-age']));
});
