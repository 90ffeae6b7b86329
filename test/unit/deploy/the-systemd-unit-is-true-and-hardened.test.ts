import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { readArguments, valueOf } from '../../../proxy/cli/command.ts';
import { probeCommands } from '../../../proxy/cli/probe.ts';
import { runCommands } from '../../../proxy/cli/run.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import { newFolder } from '../../harness/proxy.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const folder = join(root, 'deploy/systemd');
const unit = readFileSync(join(folder, 'portcullis@.service'), 'utf8').replaceAll('%i', 'orders');
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

test('what it starts is there, with words that the program takes', (t) => {
  const [program = '', ...words] = setting('ExecStart').split(' ');
  accessSync(program.replace('/opt/portcullis', root), constants.X_OK);
  const [run] = runCommands;
  const [ready] = probeCommands;
  if (run === undefined || ready === undefined) throw new Error('no command');
  t.same(words.slice(0, 1), run.path);
  t.equal(valueOf(readArguments(run, words.slice(1)), 'config'), '/etc/portcullis/orders/portcullis.yaml');

  const waits =
    new RegExp(`until ${program} (probe ready .*?) 2>`).exec(setting('ExecStartPost'))?.[1]?.split(' ') ?? [];
  t.same(waits.slice(0, 2), ready.path);
  t.equal(valueOf(readArguments(ready, waits.slice(2)), 'admin'), 'unix:/run/portcullis/orders/admin.sock');
  t.end();
});

test('the example is a good configuration, and writes only where the unit lets it', async (t) => {
  const etc = join(newFolder(t), 'orders');
  cpSync(join(folder, 'orders'), etc, { recursive: true });
  const loaded = await loadConfig(join(etc, 'portcullis.yaml'), thisMachine());
  t.ok(loaded.ok, 'no problem', { problems: loaded.ok ? [] : loaded.problems });
  if (!loaded.ok) return;
  const { identity, audit, admin, drainMs } = loaded.config;
  t.ok(identity.stateFolder.startsWith(`/var/lib/${setting('StateDirectory')}/`));
  t.ok(audit.folder.startsWith(`/var/log/${setting('LogsDirectory')}/`));
  t.same(admin, { kind: 'unix', path: `/run/${setting('RuntimeDirectory')}/admin.sock` });
  t.equal(setting('Environment'), `NODE_COMPILE_CACHE=/var/cache/${setting('CacheDirectory')}`);
  t.ok(Number(setting('TimeoutStopSec')) * 1000 > drainMs, 'it may drain');
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('systemd takes it, and finds it little exposed', { skip: hasSystemd ? false : 'no systemd-analyze' }, (t) => {
  const file = join(newFolder(t), 'portcullis@orders.service');
  writeFileSync(file, unit.replaceAll('/opt/portcullis', root));
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  t.match(verified, { status: 0, stderr: '' });
  // In tenths, as it wants the threshold.
  const words = ['security', '--no-pager', '--offline=yes', '--threshold=15', file];
  t.equal(spawnSync('systemd-analyze', words).status, 0);
  t.end();
});
