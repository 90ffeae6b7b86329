import { type Test, test } from 'tap';
import { CertsError } from '../../../certs/errors.ts';
import type { LocalCa } from '../../../certs/local-ca/local-ca.ts';
import type { IdentityEvent } from '../../../certs/sources/events.ts';
import { localCaSource } from '../../../certs/sources/local-ca.ts';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';

const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
const hourMs = 3_600_000;

/** A CA that numbers what it issues, a clock, and timers that run when the clock is moved. */
async function start(t: Test, { lifetimeMs = hourMs, backdatedMs = 0 } = {}) {
  const world = { nowMs: 0, broken: false, issued: 0, events: [] as IdentityEvent[] };
  const pending = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const issue: LocalCa['issue'] = async () => {
    if (world.broken) throw new CertsError('ca-expired', 'broken for this test');
    const serial = String(++world.issued);
    const { nowMs } = world;
    const times = { notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + lifetimeMs };
    return { spiffeId, serial, chainPem: '', keyPem: '', ...times };
  };
  const source = await localCaSource({ issue } as LocalCa, {
    spiffeId,
    lifetimeMs,
    now: () => world.nowMs,
    random: () => 0.5,
    onEvent: (event) => world.events.push(event),
    schedule: (delayMs, run) => {
      const timer = { atMs: world.nowMs + delayMs, run };
      pending.add(timer);
      return () => pending.delete(timer);
    },
  });
  t.teardown(source.close);
  const advanceTo = async (nowMs: number) => {
    world.nowMs = nowMs;
    for (const timer of [...pending].filter(({ atMs }) => atMs <= nowMs)) {
      pending.delete(timer);
      timer.run();
    }
    await new Promise(setImmediate);
  };
  return { world, source, advanceTo, pending };
}

test('it renews at half the life, not before, and tells who listens', async (t) => {
  const { world, source, advanceTo } = await start(t);
  const seen: string[] = [];
  source.subscribe(({ serial }) => seen.push(serial));
  await advanceTo(hourMs / 2 - 1);
  t.equal(source.current().serial, '1');
  await advanceTo(hourMs / 2);
  t.equal(source.current().serial, '2');
  await advanceTo(hourMs / 2 + 30_000);
  t.same(seen, ['2']);
  t.match(world.events, [{ type: 'identity.rotate', previousSerial: '1', serial: '2', notAfterMs: 1.5 * hourMs }]);
});

test('half the life is counted from now, since notBefore is backdated by more than a short life', async (t) => {
  const { world, source, advanceTo } = await start(t, { lifetimeMs: 10_000, backdatedMs: 60_000 });
  await advanceTo(4999);
  t.equal(world.issued, 1);
  await advanceTo(5000);
  t.equal(source.current().serial, '2');
});

test('a failed renewal keeps the old SVID, says so, and is tried again within a minute', async (t) => {
  const { world, source, advanceTo } = await start(t);
  world.broken = true;
  await advanceTo(hourMs / 2);
  t.equal(source.current().serial, '1');
  t.match(world.events, [{ type: 'identity.refresh-failed', serial: '1', message: 'broken for this test' }]);
  world.broken = false;
  await advanceTo(hourMs / 2 + 30_000);
  t.equal(source.current().serial, '1', 'not before the pause is over');
  await advanceTo(hourMs / 2 + 60_000);
  t.equal(source.current().serial, '2');
});

test('a clock that jumped, as after sleep, is noticed at the next look', async (t) => {
  const { source, advanceTo } = await start(t);
  await advanceTo(10 * hourMs);
  t.equal(source.current().serial, '2');
});

test('a clock that was ahead and is right again leaves no SVID that has not begun', async (t) => {
  const { world, source, advanceTo, pending } = await start(t, { backdatedMs: 60_000 });
  await advanceTo(10 * hourMs);
  t.equal(source.current().serial, '2');
  // Timers know nothing of clocks.
  const lookAt = async (nowMs: number) => {
    world.nowMs = nowMs;
    for (const timer of pending) {
      pending.delete(timer);
      timer.run();
    }
    await new Promise(setImmediate);
  };
  await lookAt(10 * hourMs - 30_000);
  t.equal(source.current().serial, '2', 'it holds still');
  await lookAt(0);
  t.equal(source.current().serial, '3');
  await lookAt(30_000);
  t.equal(world.issued, 3);
});

test('after close nothing is scheduled and nobody is called', async (t) => {
  const { source, advanceTo, pending } = await start(t);
  const seen: string[] = [];
  source.subscribe(({ serial }) => seen.push(serial));
  source.close();
  t.equal(pending.size, 0);
  await advanceTo(hourMs);
  t.same(seen, []);
});

test('who has unsubscribed is not called', async (t) => {
  const { source, advanceTo } = await start(t);
  const seen: string[] = [];
  source.subscribe(({ serial }) => seen.push(serial))();
  await advanceTo(hourMs / 2);
  t.equal(source.current().serial, '2');
  t.same(seen, []);
});

test('with real timers, which do not hold the process', async (t) => {
  let issued = 0;
  const issue: LocalCa['issue'] = async () => {
    const notBeforeMs = Date.now();
    return { spiffeId, serial: String(++issued), chainPem: '', keyPem: '', notBeforeMs, notAfterMs: notBeforeMs + 40 };
  };
  const source = await localCaSource({ issue } as LocalCa, { spiffeId, lifetimeMs: 40, now: Date.now });
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(keepAlive));
  const renewed = await new Promise<string>((resolve) => source.subscribe(({ serial }) => resolve(serial)));
  source.close();
  t.equal(renewed, '2');
});

test('without a first SVID there is no source', async (t) => {
  const ca = { issue: () => Promise.reject(new CertsError('ca-expired', 'no')) } as unknown as LocalCa;
  await t.rejects(localCaSource(ca, { spiffeId, lifetimeMs: hourMs, now: () => 0 }), { code: 'ca-expired' });
});
