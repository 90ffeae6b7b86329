import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { UsageError } from '../../../proxy/cli/command.ts';
import { ProxyError } from '../../../proxy/errors.ts';
import { freePort } from '../../../bench/peers/opa.ts';
import { allPeers } from '../../../bench/peers/all.ts';
import { launch } from '../../../bench/peers/launch.ts';
import type { Peer } from '../../../bench/peers/peer.ts';
import { plainNode } from '../../../bench/peers/plain-node/peer.ts';
import { allScenarios } from '../../../bench/scenarios/all.ts';
import { choosePeers, chooseScenario } from '../../../bench/scenarios/run/choose.ts';
import { runScenario } from '../../../bench/scenarios/run/run-scenario.ts';
import { kept, type Scenario, type SubjectUnderLoad } from '../../../bench/scenarios/scenario.ts';

const command = new URL('../../../bench/measure.ts', import.meta.url).pathname;

async function bench(...words: string[]) {
  const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

test('--list has every scenario and every peer, a line each', async (t) => {
  const { code, out } = await bench('--list');
  t.equal(code, 0);
  for (const { name } of [...allScenarios, ...allPeers]) {
    t.equal(out.split('\n').filter((line) => line.startsWith(`  ${name} `)).length, 1, name);
  }
});

test('an unknown scenario', async (t) => {
  const { code, err } = await bench('keep-aliv');
  t.equal(code, 2);
  t.match(err, "unknown scenario 'keep-aliv'; did you mean 'keep-alive'?");
  for (const { name } of allScenarios) t.ok(err.includes(name), name);
  t.notMatch(err, '    at ');
});

test('an unknown peer, or a round of no length', async (t) => {
  t.match(await bench('keep-alive', 'ngin'), { code: 2, err: "did you mean 'nginx'?" });
  t.match(await bench('keep-alive', 'plain-node', '--rounds', 'none'), {
    code: 2,
    err: "--rounds is a whole number from 1 to 1000, not 'none'",
  });
});

const keepAlive = chooseScenario('keep-alive', allScenarios);
const withoutCaddy = (peer: Peer) => (peer.name === 'caddy' ? 'caddy needs caddy' : undefined);

test('a peer that is not installed is left out and named', async (t) => {
  const { peers, notes } = choosePeers([], keepAlive, allPeers, withoutCaddy);
  t.notOk(peers.some(({ name }) => name === 'caddy'));
  t.equal(peers.length, allPeers.length - 1);
  t.strictSame(notes, ['left out: caddy needs caddy']);
});

test('a peer that is not installed, but was asked for', async (t) => {
  t.throws(() => choosePeers(['caddy'], keepAlive, allPeers, withoutCaddy), ProxyError);
  t.throws(() => choosePeers(['caddy'], chooseScenario('routes', allScenarios), allPeers), UsageError);
});

const requests = [{ method: 'GET', path: '/orders/1' }];
const get = (name: string, expect: number) => ({
  name,
  open: (subject: SubjectUnderLoad) => {
    const expecting = requests.map((request) => ({ ...request, expect }));
    return kept(subject, 2, requests, (open) => open.closedLoop(expecting, { requests: 500 }));
  },
});
const tiny: Scenario = {
  name: 'tiny',
  summary: '',
  sideBySide: true,
  cases: () => ({ cases: [get('GET', 200), get('GET by nobody', 403)], notes: [] }),
};

const peer = (name: string, start: Peer['start']): Peer => ({ name, work: [], does: '', programs: [], start });
/** Listens, and ends at the first byte. */
const hangsUp = "require('net').createServer((socket) => process.exit()).listen(+process.argv[1], '127.0.0.1')";

test('who refuses, or dies, is left out with the reason, and the others are measured', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pc-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const refuses = peer('refuses', async () => ({ port: await freePort(), pids: [] }));
  const dies = peer('dies', async (bench, { folder: own }) => {
    const port = await freePort();
    const pid = await launch(bench, {
      command: process.execPath,
      words: ['-e', hangsUp, String(port)],
      folder: own,
      port,
    });
    return { port, pids: [pid] };
  });
  const warmUp = { requests: 500, seconds: 15 };
  const peers = [refuses, dies, plainNode];
  const how = { rounds: 2, seconds: 1, warmUp, lagBoundMs: 5, isPatient: false, show: () => {} };
  const plan = { ...how, scenario: tiny, peers, folder };
  const { subjects, notes } = await runScenario(t, plan);
  t.strictSame(
    subjects.map((subject) => [subject.case, subject.name]),
    [['GET', 'plain-node']],
  );
  t.equal(notes.length, 5);
  t.match(notes[0], /^GET: refuses is left out: .*ECONNREFUSED/);
  t.match(notes[1], /^GET: dies is left out: /);
  // A latency of requests that all failed would be that of nothing.
  t.match(notes[4], /^GET by nobody: plain-node: 2 rounds not kept: nothing was answered as it should be: status 200$/);
  const rounds = subjects[0]?.rounds ?? [];
  t.strictSame(
    rounds.map(({ operations, failures }) => ({ operations, failures })),
    [
      { operations: 500, failures: 0 },
      { operations: 500, failures: 0 },
    ],
  );
  for (const { cpu } of rounds) t.ok((cpu ?? 0) > 0, 'its processor time was seen');
});
