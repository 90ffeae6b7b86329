import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { UsageError } from '../../../proxy/cli/command.ts';
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
const withoutCaddy = (program: string) => (program === 'caddy' ? undefined : `/usr/bin/${program}`);
const missing = 'caddy needs caddy, which is not installed: npm run bench -- --install';

test('a peer that is not installed is left out and named, with how to get it', async (t) => {
  const { peers, notes } = choosePeers([], keepAlive, allPeers, withoutCaddy);
  t.notOk(peers.some(({ name }) => name === 'caddy'));
  t.equal(peers.length, allPeers.length - 1);
  const standIn = 'an adapter over the SDK of OPA stands in for opa-envoy-plugin';
  t.strictSame(notes, [`left out: ${missing}`, `envoy-opa: ${standIn}`, `envoy-opa-logs: ${standIn}`]);
});

test('a peer that is not installed, but was asked for', async (t) => {
  const refused = { code: 'bench-peer-unusable', message: missing };
  t.throws(() => choosePeers(['caddy'], keepAlive, allPeers, withoutCaddy), refused);
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
const tooFast = {
  name: 'too fast',
  open: (subject: SubjectUnderLoad) => {
    const rate = { ratePerSecond: 1_000_000, seconds: 0.1, lagBoundMs: subject.lagBoundMs };
    return kept(subject, 2, requests, (open) => open.openLoop(requests, rate));
  },
};
const tiny: Scenario = {
  name: 'tiny',
  summary: '',
  sideBySide: true,
  cases: () => ({ cases: [get('GET', 200), get('GET by nobody', 403), tooFast], notes: [] }),
};

const peer = (name: string, start: Peer['start']): Peer => ({ name, work: [], does: '', programs: [], start });
/** Listens, and ends at the first byte. */
const hangsUp = "require('net').createServer((socket) => process.exit()).listen(+process.argv[1], '127.0.0.1')";

test('who refuses, or dies, is left out with the reason, and what was measured before that, or by others, stands', async (t) => {
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
  const pids: number[] = [];
  const mortal: Peer = {
    ...plainNode,
    start: async (bench, setup) => {
      const running = await plainNode.start(bench, setup);
      pids.push(...running.pids);
      return running;
    },
  };
  const show = (text: string) => {
    if (text.endsWith(' GET: round 3 of 3, plain-node')) process.kill(pids[0] ?? Number.NaN, 'SIGKILL');
  };
  const warmUp = { requests: 500, seconds: 15 };
  const peers = [refuses, dies, mortal];
  const how = { rounds: 3, seconds: 1, warmUp, lagBoundMs: 5, isPatient: false, show };
  const plan = { ...how, scenario: tiny, peers, folder };
  const { subjects, notes } = await runScenario(t, plan);
  t.strictSame(
    subjects.map((subject) => [subject.case, subject.name]),
    [['GET', 'plain-node']],
  );
  t.equal(notes.length, 9);
  t.match(notes[0], /^GET: refuses is left out: .*ECONNREFUSED/);
  t.match(notes[1], /^GET: dies is left out: /);
  t.match(notes[6], /^GET: plain-node: 1 rounds not kept: .*(?:ECONN|closed)/);
  // A latency of requests that all failed would be that of nothing, and one of a rate that was not made that of a queue.
  t.match(notes[7], /^GET by nobody: plain-node: 3 rounds not kept: nothing was answered as it should be: status 200$/);
  t.match(notes[8], /^too fast: plain-node: 3 rounds not kept: .*1000000 requests\/s/);
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
