import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { systemClock } from '../../../proxy/clock.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import { startProxy } from '../../../proxy/control/start.ts';
import { createLog } from '../../../proxy/telemetry/log.ts';
import { startAgent, svidOf } from '../../harness/agent.ts';
import { base } from '../../harness/failed-start.ts';
import { newFolder, readAudit } from '../../harness/proxy.ts';
import { makePki } from '../../pki/pki.ts';

const trustDomain = 'test.example';
const path = '/ns/t/sa/proxy';

/** A start in this process whose agent is not there; `waits` resolves once it says so. */
function startWithoutAgent(folder: string, stop: AbortSignal, listen = '127.0.0.1:0') {
  const agent = join(folder, 'agent.sock');
  const workload_api = { socket: `unix://${agent}` };
  const identity = { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}${path}`, workload_api };
  const configFile = join(folder, 'portcullis.yaml');
  mkdirSync(join(folder, 'policy'), { recursive: true });
  writeFileSync(join(folder, 'policy', 'authz.rego'), 'package portcullis.authz\n\ndecision := false\n');
  writeFileSync(configFile, JSON.stringify({ ...base, identity, listen, threads: 1 }));
  const waits = Promise.withResolvers<void>();
  const log = createLog({
    write: (line) => {
      if (line.includes('identity.wait')) waits.resolve();
    },
    now: systemClock.nowMs,
    format: 'json',
  });
  const world = thisMachine();
  const started = startProxy({ configFile, cwd: folder, version: '0', world, clock: systemClock, log, stop });
  return { agent, started, waits: waits.promise };
}

test('a start that waits ends when it is told, and leaves nothing behind', async (t) => {
  const folder = newFolder(t);
  const stop = new AbortController();
  const { started, waits } = startWithoutAgent(folder, stop.signal);
  await waits;
  t.ok(existsSync(join(folder, 'admin.sock')), 'the admin address is there already');
  stop.abort('SIGTERM');
  await started.then(
    () => t.fail('it started'),
    (why: unknown) => t.equal(why, 'SIGTERM'),
  );
  t.notOk(existsSync(join(folder, 'admin.sock')));
  const control = readAudit(join(folder, 'audit')).filter(({ stream }) => stream === 'control');
  t.equal(control.at(-1)?.type, 'audit.stop', 'the trail is closed');
});

test('a port that somebody has taken meanwhile is not shared', async (t) => {
  const folder = newFolder(t);
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const { agent, started, waits } = startWithoutAgent(folder, new AbortController().signal, `127.0.0.1:${port}`);
  await waits;
  const other = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const pki = await makePki({ trustDomain });
  const come = await startAgent(t, agent);
  come.offer({ svids: [svidOf(pki, await pki.issue({ path }), path)] });
  await t.rejects(started, { code: 'port-in-use' });
  other.close();
});
