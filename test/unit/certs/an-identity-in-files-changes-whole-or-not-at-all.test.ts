import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Test, test } from 'tap';
import type { IdentityEvent } from '../../../certs/sources/events.ts';
import { filesSource } from '../../../certs/sources/files/source.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { eventually } from '../../harness/process.ts';
import { hourMs } from '../../pki/authority.ts';
import { type Credential, makePki } from '../../pki/pki.ts';
import { svidFilesIn, swapSvidVolume, writeSvidFiles } from '../../pki/svid-files.ts';

const trustDomain = parseTrustDomain('shop.example');
const path = '/ns/shop/sa/orders';
const spiffeId = parseSpiffeId(`spiffe://${trustDomain}${path}`);
const nowMs = Math.floor(Date.now() / 1000) * 1000;
const pki = await makePki({ trustDomain, nowMs });
const nextPki = await makePki({ trustDomain, nowMs });
const first = await pki.issue({ path });
const second = await pki.issue({ path });

/** The source over files of a first SVID, with a clock and timers that run when the test says so. */
async function start(t: Test, put: (folder: string) => void = (folder) => writeSvidFiles(folder, first, pki.caPem)) {
  const folder = t.testdir();
  put(folder);
  const events: IdentityEvent[] = [];
  const heard: string[] = [];
  const clock = { nowMs };
  const pending = new Map<() => void, number>();
  const source = await filesSource({
    files: svidFilesIn(folder),
    spiffeId,
    trustDomain,
    overdueShare: 0.8,
    now: () => clock.nowMs,
    onEvent: (event) => events.push(event),
    schedule: (delayMs, run) => {
      pending.set(run, delayMs);
      return () => pending.delete(run);
    },
  });
  t.teardown(source.close);
  source.subscribe(({ serial }) => heard.push(serial));
  /** What the timers had to run, and until it has run. */
  const timersRun = async () => {
    const due = [...pending.keys()];
    pending.clear();
    for (const run of due) run();
    // Looks are in turn: the last one ends after those of the timers.
    await source.lookAgain();
  };
  return { folder, files: svidFilesIn(folder), source, events, heard, clock, pending, timersRun };
}

const serial = (credential: Credential) => credential.serial.toUpperCase();

test('a new pair is used, and who listens is told', async (t) => {
  const { folder, source, events, heard } = await start(t);
  writeSvidFiles(folder, second, pki.caPem);
  await source.lookAgain();
  t.match(source.current(), { serial: serial(second), keyPem: second.keyPem });
  t.same(heard, [serial(second)]);
  t.match(events, [{ type: 'identity.rotate', previousSerial: serial(first), serial: serial(second) }]);
  await source.lookAgain();
  t.equal(events.length, 1, 'the same files are no news');
});

test('a Kubernetes volume is swapped by one link, for certificate, key and bundle together', async (t) => {
  const put = (folder: string) => swapSvidVolume(folder, '..1', first, pki);
  const { folder, source, events } = await start(t, put);
  swapSvidVolume(folder, '..2', second, pki);
  await source.lookAgain();
  t.equal(source.current().serial, serial(second));
  t.same(
    events.map(({ type }) => type),
    ['identity.rotate'],
  );
});

test('a certificate that is there before its key is no complaint, when the key comes in time', async (t) => {
  const { files, folder, source, events, pending, timersRun } = await start(t);
  writeFileSync(files.certificate, second.certPem);
  await source.lookAgain();
  t.equal(source.current().serial, serial(first));
  t.same([...pending.values()], [1000]);
  writeSvidFiles(folder, second, pki.caPem);
  await source.lookAgain();
  t.equal(pending.size, 0);
  await timersRun();
  t.same(
    events.map(({ type }) => type),
    ['identity.rotate'],
  );
});

test('what stays wrong is told once with its reason, the old SVID serves, and a mended file is used', async (t) => {
  const { files, folder, source, events, heard, pending, timersRun } = await start(t);
  writeFileSync(files.key, second.keyPem);
  await source.lookAgain();
  await source.lookAgain();
  t.same([...pending.values()], [1000], 'who writes again and again does not put it off');
  t.same(events, []);
  await timersRun();
  const told = { type: 'identity.refresh-failed', serial: serial(first), code: 'key-mismatch' } as const;
  t.match(events, [{ ...told, message: new RegExp(`^${files.key}:1: not the key of the certificate`) }]);
  for (const delayMs of [2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    t.same([...pending.values()], [delayMs], 'time alone may mend it, in a moment or late');
    await timersRun();
  }
  t.equal(events.length, 1);
  t.match(source.current(), { serial: serial(first), keyPem: first.keyPem });
  t.same(heard, []);
  writeSvidFiles(folder, second, pki.caPem);
  await source.lookAgain();
  t.same(heard, [serial(second)]);
  t.equal(pending.size, 0);
  writeFileSync(files.key, first.keyPem);
  await source.lookAgain();
  await timersRun();
  t.equal(events.length, 3, 'the same mistake anew is told anew');
});

test('an SVID of an issuer whose clock is ahead is used when its time has come', async (t) => {
  const { folder, source, events, clock, timersRun } = await start(t);
  const early = await pki.issue({ path, notBeforeMs: nowMs + 60_000, notAfterMs: nowMs + hourMs });
  writeSvidFiles(folder, early, pki.caPem);
  await source.lookAgain();
  await timersRun();
  t.match(events, [{ type: 'identity.refresh-failed', code: 'svid-not-yet-valid' }]);
  clock.nowMs += 61_000;
  await timersRun();
  t.equal(source.current().serial, serial(early));
});

test('a root that is added or removed does not wait for an SVID that is broken', async (t) => {
  const { files, source, events, timersRun } = await start(t);
  const roots = () => source.trust()[0]?.rootsPem.length;
  writeFileSync(files.key, second.keyPem);
  writeFileSync(files.bundle, pki.caPem + nextPki.caPem);
  await source.lookAgain();
  t.equal(roots(), 2);
  writeFileSync(files.bundle, nextPki.caPem);
  await source.lookAgain();
  t.same(source.trust(), nextPki.trust);
  await timersRun();
  t.equal(source.current().serial, serial(first), 'our own stays, whoever may still believe it');
  t.match(events, [{ type: 'identity.refresh-failed', code: 'key-mismatch' }]);
});

test('a bundle that could not be read for a moment is taken up all the same, and who uses it is told', async (t) => {
  const { files, source, pending, timersRun } = await start(t, (folder) => {
    writeSvidFiles(folder, first, pki.caPem + nextPki.caPem);
  });
  let changes = 0;
  const unwatch = source.watchTrust(() => changes++);
  // Root reads a file whatever its mode says, so it is a folder for the moment.
  rmSync(files.bundle);
  mkdirSync(files.bundle);
  await source.lookAgain();
  t.equal(source.trust()[0]?.rootsPem.length, 2);
  rmdirSync(files.bundle);
  writeFileSync(files.bundle, pki.caPem);
  t.same([...pending.values()], [1000], 'nobody says that it has changed again');
  pending.keys().next().value?.();
  pending.clear();
  await eventually(() => changes === 1);
  t.same(source.trust(), pki.trust);
  writeFileSync(files.bundle, pki.caPem + nextPki.caPem);
  await source.lookAgain();
  t.equal(source.trust()[0]?.rootsPem.length, 2);
  await timersRun();
  t.equal(changes, 1, 'who has asked for the look knows it by then');
  unwatch();
});

test('a bundle that is broken leaves the old one in force, and a new SVID is judged by that', async (t) => {
  const { files, folder, source, events, timersRun } = await start(t);
  for (const broken of ['', pki.caPem.slice(0, -30), first.certPem]) {
    writeSvidFiles(folder, second, broken);
    await source.lookAgain();
    await timersRun();
    t.same(source.trust(), pki.trust);
  }
  t.equal(source.current().serial, serial(second));
  t.match(events, [
    { type: 'identity.rotate' },
    { type: 'trust.refresh-failed', code: 'identity-file-unreadable', message: `${files.bundle}: is empty` },
    {
      type: 'trust.refresh-failed',
      code: 'trust-bundle-invalid',
      message: `${files.bundle}:1: a certificate in PEM is damaged`,
    },
    { type: 'trust.refresh-failed', code: 'trust-bundle-invalid', message: /is not a CA certificate$/ },
    { type: 'trust.refresh-failed', code: 'trust-bundle-invalid', message: /is not self-signed/ },
  ]);
});

test('a successor is overdue at the share of its life that was configured', async (t) => {
  const { source } = await start(t);
  const { notBeforeMs, notAfterMs } = source.current();
  t.equal(source.overdueFromMs(), notBeforeMs + 0.8 * (notAfterMs - notBeforeMs));
});

test('after close nothing is scheduled and nobody is called', async (t) => {
  const { files, folder, source, heard, events, pending } = await start(t);
  writeFileSync(files.key, second.keyPem);
  await source.lookAgain();
  source.close();
  t.equal(pending.size, 0);
  writeSvidFiles(folder, second, pki.caPem);
  await source.lookAgain();
  t.same([heard, events], [[], []]);
});
