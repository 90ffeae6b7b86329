import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { foreignLoadWarning, machineFacts, startForeignLoadMeter } from '../../../bench/machine.ts';

type Processes = Readonly<Record<number, { parent: number; own: number; waitedFor?: number }>>;

/** A /proc as Linux shows it: ticks of the machine, and of each process with those of the children it waited for. */
function writeProc(
  folder: string,
  cpu: { user: number; idle: number; iowait?: number; steal?: number },
  all: Processes,
) {
  const { user, idle, iowait = 0, steal = 0 } = cpu;
  // user nice system idle iowait irq softirq steal guest guest_nice; guest time is part of user.
  writeFileSync(join(folder, 'stat'), `cpu  ${user} 0 0 ${idle} ${iowait} 0 0 ${steal} 77 0\ncpu0 1 1 1 1\n`);
  for (const [pid, { parent, own, waitedFor = 0 }] of Object.entries(all)) {
    mkdirSync(join(folder, pid), { recursive: true });
    const before = `${pid} (a (name) 3) S ${parent} 0 0 0 0 0 0 0 0 0`;
    writeFileSync(join(folder, pid, 'stat'), `${before} ${own} 0 ${waitedFor} 0 20 0 1`);
  }
}

test('what the process tree used is not foreign, what anybody else or the hypervisor took is', async (t) => {
  const proc = t.testdir();
  writeProc(proc, { user: 1000, idle: 5000 }, { 1: { parent: 0, own: 9 }, 50: { parent: 1, own: 100 } });
  const meter = startForeignLoadMeter(proc, 50);
  // 200 ticks: 60 of ours (20 of the root, 40 of a grandchild with a smaller number), 30 of others, 10 stolen, 100 idle.
  writeProc(
    proc,
    { user: 1090, idle: 5080, iowait: 20, steal: 10 },
    {
      1: { parent: 0, own: 39 },
      50: { parent: 1, own: 120 },
      60: { parent: 50, own: 0 },
      40: { parent: 60, own: 40 },
    },
  );
  t.equal(meter.stop(), (30 + 10) / 200);
});

test('a child that has ended and was waited for stays ours', async (t) => {
  const proc = t.testdir();
  writeProc(proc, { user: 0, idle: 0 }, { 50: { parent: 1, own: 0 } });
  const meter = startForeignLoadMeter(proc, 50);
  writeProc(proc, { user: 90, idle: 10 }, { 50: { parent: 1, own: 20, waitedFor: 70 } });
  t.equal(meter.stop(), 0);
});

test('where the system does not tell, or no time went by, nothing is claimed', async (t) => {
  t.equal(startForeignLoadMeter('/nowhere', 1).stop(), null);
  const proc = t.testdir();
  writeProc(proc, { user: 1, idle: 1 }, { 50: { parent: 1, own: 0 } });
  t.equal(startForeignLoadMeter(proc, 50).stop(), null);
});

test('on this machine it is a share', async (t) => {
  const share = startForeignLoadMeter().stop();
  t.ok(share === null || (share >= 0 && share <= 1));
  const facts = machineFacts();
  t.ok(facts.cores >= 1 && facts.memoryBytes > 0);
  t.match(facts, { node: process.versions.node, kernel: /\d/, cpu: /./, portcullis: /^\d+\.\d+\.\d+/ });
});

test('the warning is for more than a tenth', async (t) => {
  t.equal(foreignLoadWarning({ foreignLoad: null }), undefined);
  t.equal(foreignLoadWarning({ foreignLoad: 0.1 }), undefined);
  t.match(foreignLoadWarning({ foreignLoad: 0.123 }), /used 12 % of this machine/);
});
