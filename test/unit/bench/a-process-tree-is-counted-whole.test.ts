import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'tap';
import { cpuSeconds, processTree, proportionalBytes, residentBytes } from '../../../bench/process.ts';

/** A process whose child has burnt at least this much processor time, and has ended or lives on. */
const family = (childLives: boolean) => `
  const { spawn } = require('node:child_process');
  const work = 'while (process.cpuUsage().user < 300e3); console.log("worked"); if (${childLives}) setInterval(() => {}, 1e6);';
  const child = spawn(process.execPath, ['-e', work], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('data', () => ${childLives} ? console.log(child.pid) : undefined);
  child.once('exit', () => console.log(child.pid));
  process.stdin.once('end', () => { child.kill('SIGKILL'); process.exit(); }).resume();
`;

async function start(t: { readonly teardown: (task: () => unknown) => unknown }, childLives: boolean) {
  const parent = spawn(process.execPath, ['-e', family(childLives)], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => parent.stdin.end());
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  return { pid: parent.pid ?? 0, child: Number(String(line)) };
}

test('processor time and memory are those of the children too', async (t) => {
  const { pid, child } = await start(t, true);
  t.same(processTree(pid), [pid, child]);
  t.ok(cpuSeconds(pid) >= cpuSeconds(child) && cpuSeconds(child) >= 0.28, 'the child has worked');
  t.ok(residentBytes(pid) > residentBytes(child) && residentBytes(child) > 1e6);
  t.ok(
    proportionalBytes(pid) > 0 && proportionalBytes(pid) < residentBytes(pid),
    'two of the same program share pages',
  );
});

test('a child that has ended still counts for its processor time', async (t) => {
  const { pid } = await start(t, false);
  t.same(processTree(pid), [pid]);
  t.ok(cpuSeconds(pid) >= 0.28);
});

test('a process that is not there has nothing', (t) => {
  const none = 2 ** 22 + 1;
  t.same([processTree(none), cpuSeconds(none), residentBytes(none)], [[], 0, 0]);
  t.end();
});
