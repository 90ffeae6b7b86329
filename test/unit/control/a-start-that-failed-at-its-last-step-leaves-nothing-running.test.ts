import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { systemClock } from '../../../proxy/clock.ts';
import { thisMachine, type World } from '../../../proxy/config/world.ts';
import { startProxy } from '../../../proxy/control/start.ts';
import { watchFiles } from '../../../proxy/control/watch-files.ts';
import { createLog } from '../../../proxy/telemetry/log.ts';
import { base } from '../../harness/failed-start.ts';
import { newFolder, readAudit } from '../../harness/proxy.ts';

test('an admin address that cannot be opened', async (t) => {
  const folder = newFolder(t);
  const configFile = join(folder, 'portcullis.yaml');
  const write = (drain: string) => writeFileSync(configFile, JSON.stringify({ ...base, threads: 1, drain }));
  mkdirSync(join(folder, 'policy'));
  writeFileSync(join(folder, 'policy', 'authz.rego'), 'package portcullis.authz\n\ndecision := false\n');
  // A folder is no socket that could be stale.
  mkdirSync(join(folder, 'admin.sock'));
  write('1s');

  let reads = 0;
  const machine = thisMachine();
  const world: World = {
    ...machine,
    readFile: (path) => {
      if (path === configFile) reads += 1;
      return machine.readFile(path);
    },
  };
  const log = createLog({ write: () => undefined, now: systemClock.nowMs, format: 'json' });
  const start = () => startProxy({ configFile, cwd: folder, version: '0', world, clock: systemClock, log });
  await t.rejects(start(), { code: 'address-unavailable' });
  const after = reads;

  // Another watch of the same pace shows when one that was left behind would have looked.
  const awake = setInterval(() => undefined, 1000);
  for (const drain of ['2s', '3s']) {
    await new Promise<void>((resolve) => {
      let looks = 0;
      const watch = watchFiles([configFile], () => {
        looks += 1;
        if (looks === 1) return write(drain);
        watch.stop();
        resolve();
      });
    });
  }
  clearInterval(awake);
  t.equal(reads, after, 'nobody watches the configuration any more');
  const control = readAudit(join(folder, 'audit')).filter(({ stream }) => stream === 'control');
  t.equal(control.at(-1)?.type, 'audit.stop', 'the trail is closed');

  rmSync(join(folder, 'admin.sock'), { recursive: true });
  const proxy = await start();
  t.ok(reads > after, 'lock, port and identity are free: the positive twin starts');
  t.equal(await proxy.close('the end of the test'), true);
});
