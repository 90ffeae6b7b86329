import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { test } from 'tap';
import { openExistingCa } from '../../../certs/local-ca/local-ca.ts';
import { openRegister } from '../../../certs/local-ca/register.ts';

const run = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(`../../pki/${name}`, import.meta.url));

test('two processes create and use one CA at the same time', async (t) => {
  const stateFolder = join(t.testdir(), 'state');
  const count = 15;
  const outputs = await Promise.all(
    ['a', 'b'].map((name) =>
      run(process.execPath, [script('issue-in-a-process.ts'), stateFolder, name, String(count)]),
    ),
  );
  const serials = outputs.flatMap(({ stdout }) => stdout.trim().split('\n'));
  const ca = await openExistingCa({ stateFolder, now: Date.now });
  t.teardown(ca.close);
  t.equal(new Set(serials).size, 2 * count, 'every serial is unique');
  t.same((await ca.issued()).map(({ serial }) => serial).toSorted(), serials.toSorted(), 'every one is on record');
});

test('the lock of a process that was killed is free at once', async (t) => {
  const file = join(t.testdir(), 'register.sqlite');
  const holder = spawn(process.execPath, [script('hold-the-lock.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  await t.rejects(openRegister(file, 40), { code: 'state-locked' });
  const waiting = openRegister(file);
  let isOpen = false;
  void waiting.then(() => (isOpen = true));
  // Several times the interval at which the lock is tried.
  await delay(150);
  t.notOk(isOpen, 'it waits while the other lives');
  holder.kill('SIGKILL');
  const register = await waiting;
  t.teardown(register.close);
  t.same(register.list(), []);
});

test('a task that fails leaves neither its entries nor its lock behind', async (t) => {
  const register = await openRegister(join(t.testdir(), 'register.sqlite'));
  t.teardown(register.close);
  const spiffeId = 'spiffe://shop.example/a' as Parameters<typeof register.add>[0]['spiffeId'];
  const failing = register.exclusively(async () => {
    register.add({ serial: '01', spiffeId, notAfterMs: 1 });
    throw new Error('in the middle');
  });
  await t.rejects(failing, { message: 'in the middle' });
  await register.exclusively(async () => register.add({ serial: '02', spiffeId, notAfterMs: 2 }));
  t.same(
    register.list().map(({ serial }) => serial),
    ['02'],
  );
});
