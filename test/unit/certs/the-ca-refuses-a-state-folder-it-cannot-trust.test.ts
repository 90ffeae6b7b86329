import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import type { CaEvent } from '../../../certs/local-ca/events.ts';
import { openExistingCa, openLocalCa } from '../../../certs/local-ca/local-ca.ts';
import { readPassphrase } from '../../../certs/local-ca/secret-files.ts';
import { writeSvid } from '../../../certs/local-ca/write-svid.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';

const dayMs = 86_400_000;
const bornMs = Date.UTC(2026, 10, 21);

type Changes = Partial<Parameters<typeof openLocalCa>[0]>;

function opener(t: Test) {
  const stateFolder = join(t.testdir(), 'state');
  const open = async (changes: Changes = {}) => {
    const ca = await openLocalCa({
      stateFolder,
      trustDomain: parseTrustDomain('shop.example'),
      keyAlgorithm: 'P-256',
      now: () => bornMs,
      ...changes,
    });
    t.teardown(ca.close);
    return ca;
  };
  return { stateFolder, ca: (name: string) => join(stateFolder, 'ca', name), open };
}

test('what it creates is for its own user only', async (t) => {
  const { stateFolder, ca, open } = opener(t);
  await open();
  for (const folder of [stateFolder, ca('')]) t.equal((await stat(folder)).mode & 0o777, 0o700, folder);
  for (const name of await readdir(ca(''))) t.equal((await stat(ca(name))).mode & 0o777, 0o600, name);
  t.equal((await stat(join(stateFolder, 'register.sqlite'))).mode & 0o777, 0o600);
});

test('a folder or key that others can read', async (t) => {
  const { stateFolder, ca, open } = opener(t);
  await open();
  await chmod(stateFolder, 0o750);
  await t.rejects(open(), { code: 'state-folder-exposed', message: `${stateFolder} has mode 0750, must be 0700` });
  await chmod(stateFolder, 0o700);
  await chmod(ca(''), 0o701);
  await t.rejects(open(), { code: 'state-folder-exposed' });
  await chmod(ca(''), 0o700);
  for (const name of ['intermediate.key', 'root.key']) {
    await chmod(ca(name), 0o640);
    await t.rejects(open(), { code: 'key-file-exposed' }, name);
    await chmod(ca(name), 0o600);
  }
  await t.resolves(open());
});

test('a folder that is a file', async (t) => {
  const { stateFolder, open } = opener(t);
  await writeFile(stateFolder, '');
  await t.rejects(open(), { code: 'state-folder-unusable' });
});

test('the CA of another trust domain', async (t) => {
  const { open } = opener(t);
  await open();
  await t.rejects(open({ trustDomain: parseTrustDomain('bank.example') }), {
    code: 'ca-trust-domain-mismatch',
    message: /holds the CA of shop\.example, not of bank\.example/,
  });
});

test('an expired CA, and a clock before the CA', async (t) => {
  const { open } = opener(t);
  await open();
  await t.rejects(open({ now: () => bornMs + 6 * 365 * dayMs }), { code: 'ca-expired' });
  await t.rejects(open({ now: () => bornMs - dayMs }), { code: 'ca-not-yet-valid' });
});

test('a half-written state: each file missing or cut short', async (t) => {
  const { ca, open } = opener(t);
  await open();
  for (const name of ['ca.json', 'root.pem', 'intermediate.pem', 'intermediate.key']) {
    await copyFile(ca(name), ca('kept'));
    await truncate(ca(name), 20);
    await t.rejects(open(), { code: 'state-incomplete' }, `${name} cut short`);
    await rm(ca(name));
    await t.rejects(open(), { code: 'state-incomplete' }, `${name} missing`);
    await copyFile(ca('kept'), ca(name));
  }
  await t.resolves(open());
});

test('a CRL that is damaged is written again from the register', async (t) => {
  const { ca, open } = opener(t);
  const first = await open();
  const { serial } = await first.issue({ spiffeId: parseSpiffeId('spiffe://shop.example/a'), lifetimeMs: dayMs });
  await first.revoke(serial);
  const before = first.trustBundle();
  await truncate(ca('crl.pem'), 30);
  t.same((await open()).trustBundle()[0]?.crlsPem.length, before[0]?.crlsPem.length);
});

test('a creation that was cut short is done again; a CA that is gone is not', async (t) => {
  const { stateFolder, ca, open } = opener(t);
  await mkdir(join(stateFolder, 'ca.new-dead'), { recursive: true, mode: 0o700 });
  await chmod(stateFolder, 0o700);
  const created = await open();
  t.notMatch(await readdir(stateFolder), ['ca.new-dead']);
  await created.issue({ spiffeId: parseSpiffeId('spiffe://shop.example/a'), lifetimeMs: dayMs });
  await rm(ca(''), { recursive: true });
  await t.rejects(open(), { code: 'state-incomplete' });
});

test('a damaged register', async (t) => {
  const { stateFolder, open } = opener(t);
  (await open()).close();
  await writeFile(
    join(stateFolder, 'register.sqlite'),
    'not a database, but long enough to be read as one. '.repeat(20),
  );
  await t.rejects(open(), { code: 'state-incomplete' });
});

test('a key that does not belong to its certificate', async (t) => {
  const { ca, open } = opener(t);
  await open();
  await copyFile(ca('root.key'), ca('intermediate.key'));
  await t.rejects(open(), { code: 'key-mismatch' });
});

test('an intermediate of another root', async (t) => {
  const { ca, open } = opener(t);
  await open();
  await copyFile(ca('intermediate.pem'), ca('root.pem'));
  await t.rejects(open(), { code: 'state-incomplete' });
});

test('a passphrase that is missing, wrong, or not needed', async (t) => {
  const { stateFolder, ca, open } = opener(t);
  await open({ passphrase: 'correct horse' });
  for (const name of ['root.key', 'intermediate.key']) {
    t.match(await readFile(ca(name), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  }
  await t.rejects(open(), { code: 'passphrase-missing' });
  await t.rejects(open({ passphrase: 'wrong horse' }), { code: 'passphrase-wrong' });
  await t.resolves(open({ passphrase: 'correct horse' }));
  const plain = join(stateFolder, 'plain');
  await open({ stateFolder: plain });
  await t.rejects(open({ stateFolder: plain, passphrase: 'x' }), { code: 'passphrase-unexpected' });
});

test('a passphrase file that is absent, empty or readable by others', async (t) => {
  const folder = t.testdir({ secret: 'first line\r\nsecond', empty: '\n' });
  await chmod(join(folder, 'secret'), 0o600);
  await chmod(join(folder, 'empty'), 0o600);
  t.equal(await readPassphrase(join(folder, 'secret')), 'first line');
  await t.rejects(readPassphrase(join(folder, 'empty')), { code: 'passphrase-file-invalid' });
  await t.rejects(readPassphrase(join(folder, 'absent')), { code: 'passphrase-file-invalid' });
  await chmod(join(folder, 'secret'), 0o644);
  await t.rejects(readPassphrase(join(folder, 'secret')), { code: 'key-file-exposed' });
});

test('opening for use never creates a CA', async (t) => {
  const { stateFolder } = opener(t);
  await t.rejects(openExistingCa({ stateFolder, now: () => bornMs }), { code: 'ca-missing' });
});

test('what it refuses to issue or revoke, with an event for each', async (t) => {
  const { open } = opener(t);
  const events: CaEvent[] = [];
  let nowMs = bornMs;
  const ca = await open({ onEvent: (event) => events.push(event), now: () => nowMs });
  const spiffeId = parseSpiffeId('spiffe://shop.example/a');
  const lifetimeMs = 3_600_000;
  await t.rejects(ca.issue({ spiffeId, lifetimeMs: dayMs + 1 }), { code: 'lifetime-invalid' });
  await t.rejects(ca.issue({ spiffeId, lifetimeMs: 9999 }), { code: 'lifetime-invalid' });
  await t.rejects(ca.issue({ spiffeId, lifetimeMs: 0 }), { code: 'lifetime-invalid' });
  await t.rejects(ca.issue({ spiffeId, lifetimeMs: Number.NaN }), { code: 'lifetime-invalid' });
  await t.rejects(ca.issue({ spiffeId: parseSpiffeId('spiffe://bank.example/a'), lifetimeMs }), {
    code: 'trust-domain-foreign',
  });
  await t.rejects(ca.issue({ spiffeId: parseSpiffeId('spiffe://shop.example'), lifetimeMs }), {
    code: 'spiffe-id-invalid',
  });
  await t.rejects(ca.issue({ spiffeId, lifetimeMs, dnsNames: ['a\0b'] }), { code: 'svid-invalid' });
  await t.rejects(ca.revoke('00'), { code: 'serial-unknown' });
  nowMs = bornMs + 6 * 365 * dayMs;
  await t.rejects(ca.issue({ spiffeId, lifetimeMs }), { code: 'ca-expired' });
  t.match(events[0], { type: 'ca.create', trustDomain: 'shop.example' });
  t.equal(events.filter(({ type }) => type === 'ca.refuse').length, 9);
  t.notMatch(JSON.stringify(events), /PRIVATE KEY/);
});

test('a CRL that disappeared while the CA is in use', async (t) => {
  const { ca, open } = opener(t);
  const opened = await open();
  await rm(ca('root-crl.pem'));
  t.throws(() => opened.trustBundle(), { code: 'state-incomplete' });
});

test('an output folder that others can write to', async (t) => {
  const { stateFolder, open } = opener(t);
  const opened = await open();
  const svid = await opened.issue({ spiffeId: parseSpiffeId('spiffe://shop.example/a'), lifetimeMs: dayMs });
  const out = join(stateFolder, 'out');
  await writeSvid(out, svid, opened.trustBundle());
  await chmod(out, 0o755);
  await t.resolves(writeSvid(out, svid, opened.trustBundle()), 'looking is not writing');
  await chmod(out, 0o775);
  await t.rejects(writeSvid(out, svid, opened.trustBundle()), { code: 'state-folder-exposed' });
  await writeFile(join(stateFolder, 'file'), '');
  await t.rejects(writeSvid(join(stateFolder, 'file', 'out'), svid, []), { code: 'output-unwritable' });
});

test('an SVID never outlives its issuer', async (t) => {
  const { open } = opener(t);
  await open();
  const lastHourMs = bornMs + 5 * 365 * dayMs - 3_600_000;
  const late = await open({ now: () => lastHourMs });
  const svid = await late.issue({ spiffeId: parseSpiffeId('spiffe://shop.example/a'), lifetimeMs: dayMs });
  t.equal(svid.notAfterMs, late.describe().intermediate.notAfterMs);
});
