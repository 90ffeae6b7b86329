import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { openDecider } from '../../bench/policy/decider-process.ts';
import { measureCase } from '../../bench/policy/measure.ts';
import { readResult } from '../../bench/result-file.ts';
import type { BenchResult, SubjectResult } from '../../bench/result.ts';
import { defaultSettings } from '../../policy/engines/settings.ts';
import { benchPolicyWithoutOpa as bench, ownBundle, ownPolicy } from '../harness/own-policy.ts';
import { clientId, strangerId } from '../harness/proxy.ts';

const requests = [
  { id: clientId, target: '/orders/1', header: ['Accept: text/plain'] },
  { id: clientId, target: '/orders/7?a=b' },
  { id: strangerId, target: '/orders', method: 'POST', header: 'Content-Type: application/json', body: 'order.json' },
];

const names = ({ subjects }: BenchResult) => subjects.map(({ name }) => name);

test('requests of a file, as `explain` takes them', async (t) => {
  const lines = requests.map((request) => JSON.stringify(request)).join('\n\n');
  const folder = ownPolicy(t, { 'requests.jsonl': lines, 'order.json': '{"items": [1]}' });
  const words = ['-c', 'portcullis.yaml', '--input', 'requests.jsonl', '--json', 'result.json', '--html', 'page.html'];
  const { status, stdout, stderr } = bench(folder, ...words);
  t.same([status, stderr], [0, '']);
  const result = await readResult(join(folder, 'result.json'));
  t.same(names(result).slice(0, 3), ['stock SDK', 'portcullis, wasm', 'portcullis, plan']);
  t.equal(result.scenario, 'portcullis/authz/decision, 3 inputs of requests.jsonl');
  for (const { name, rounds, latency } of result.subjects) {
    const [round] = rounds;
    t.equal(rounds.length, 1, name);
    t.ok(round !== undefined && round.operations % 3 === 0 && round.failures === 0, `${name} decides all inputs`);
    t.ok(latency.p50 > 0 && latency.p50 <= latency.p90 && latency.p99 <= latency.p999, name);
  }

  await t.test('where the time goes, by engine', async (t) => {
    const stagesOf = (name: string) => result.subjects.find((one) => one.name === name)?.stages.map((one) => one.name);
    const around = (...inside: readonly string[]) => ['input building', ...inside, 'verdict'];
    t.same(stagesOf('portcullis, plan'), around('evaluation', 'reading the result'));
    t.same(stagesOf('portcullis, wasm'), around('serialising', 'evaluation', 'reading the result'));
    t.same(stagesOf('stock SDK'), []);
  });

  await t.test('memory and processor time, of a process for each', async (t) => {
    for (const { name, memory, rounds } of result.subjects.slice(0, 3)) {
      t.ok((memory[0]?.residentBytes ?? 0) > 1_000_000, name);
      t.ok((rounds[0]?.cpu ?? 0) > 0, name);
    }
  });

  await t.test('the slowest rules with their places, and the slowest inputs with theirs', async (t) => {
    const [, , plan] = result.subjects as [SubjectResult, SubjectResult, SubjectResult];
    const found = plan.extra.map(({ name }) => name).join('\n');
    t.match(found, /^slowest rule: data\.portcullis\.authz\.closed at policy\/authz\.rego:1[0-3], [0-9.]+ lines/m);
    t.match(found, /^slowest rule: data\.portcullis\.authz\.decision at policy\/authz\.rego:[3-7], /m);
    for (const line of [1, 3, 5]) t.match(found, `slowest input: requests.jsonl:${line}`);
    const shares = plan.extra.filter(({ unit }) => unit === '% of the evaluation').map(({ value }) => value);
    const sum = shares.reduce((all, share) => all + share, 0);
    t.ok(sum > 99 && sum < 101, `shares add up to the whole: ${sum}`);
  });

  await t.test('as a table and as a page', async (t) => {
    t.match(stdout, /^bench policy: portcullis\/authz\/decision, 3 inputs of requests\.jsonl\n/);
    t.match(stdout, /^stock SDK +[0-9.,]+ \(1\.00x\)/m);
    t.match(stdout, /slowest rule: data\.portcullis\.authz\.decision at policy\/authz\.rego:/);
    t.match(readFileSync(join(folder, 'page.html'), 'utf8'), /^<!doctype html>/);
  });
});

test('without inputs they are made from the routes, and it says so; a page that cannot be written takes no figure away', async (t) => {
  const folder = ownPolicy(t);
  const words = ['--engine', 'plan', '--json', '-', '--html', 'nowhere/page.html'];
  const { status, stdout, stderr } = bench(folder, '-c', 'portcullis.yaml', ...words);
  t.equal(status, 3);
  t.match(stderr, /^error\[bench-output-unwritable\]: .*nowhere\/page\.html cannot be written \(ENOENT\)\n/);
  const result = JSON.parse(stdout) as BenchResult;
  t.equal(result.scenario, 'portcullis/authz/decision, 2 inputs made from the routes');
  t.same(names(result).slice(0, 2), ['stock SDK', 'portcullis, plan']);
  t.match(result.notes.join('\n'), /the inputs were made from the routes/);
});

test('documents that the policy sees, and a peer that decides otherwise', async (t) => {
  // The SDK brings its own sprintf, which knows no %v for a list.
  const rego =
    'package portcullis.authz\n\ndecision := {"allow": true, "rule": sprintf("%v", [[input.who]])} if not input.closed\n';
  const folder = ownPolicy(t, { 'policy/authz.rego': rego, 'inputs.json': '[\n{"who": "a"}, {"who": "b"}\n]' });
  const { status, stdout } = bench(folder, '-c', 'portcullis.yaml', '--input', 'inputs.json', '--json', '-');
  t.equal(status, 0);
  const result = JSON.parse(stdout) as BenchResult;
  t.same(names(result).slice(0, 2), ['portcullis, wasm', 'portcullis, plan']);
  const notes = result.notes.join('\n');
  t.match(
    notes,
    /^stock SDK is left out: it answers inputs\.json, item 1 with .*, and portcullis, wasm with .*\[\\"a\\"\]/m,
  );
  t.match(notes, /^the policy reads input\.closed, which no input has: what it does with it was not measured$/m);
  // No request of this proxy has such an input, so there is nothing that could be built.
  t.notMatch(result.subjects[0]?.stages, [{ name: 'input building' }]);
});

test('who dies in the middle is named, and leaves no figures', async (t) => {
  let kill: (() => unknown) | undefined;
  const owner = { teardown: (task: () => unknown) => (kill = task) };
  t.teardown(() => kill?.());
  const bundle = await ownBundle(ownPolicy(t));
  const opening = { engine: 'plan', bundle, settings: defaultSettings, inputs: [{}] } as const;
  const subject = await openDecider(owner, { name: 'portcullis, plan', about: '' }, opening);
  const show = (progress: string) => progress.includes('round 2 of 3') && kill?.();
  const inputs = [{ name: 'input', input: {} }];
  const lost = { code: 'bench-target-lost', message: 'portcullis, plan: its process ended with SIGKILL' };
  await t.rejects(measureCase('', [subject], inputs, { rounds: 3, roundMillis: 5, show }, new Map()), lost);
  // And so does whoever is asked again.
  await t.rejects(subject.turn(1), { name: 'Unable', message: 'its process ended with SIGKILL' });
});
