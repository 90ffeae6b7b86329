import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'tap';
import { parseResult } from '../../../bench/result-file.ts';
import { allScenarios } from '../../../bench/scenarios/all.ts';
import { chooseScenario } from '../../../bench/scenarios/run/choose.ts';
import type { MachineLimits } from '../../../bench/scenarios/scenario.ts';
import { version } from '../../../proxy/version.ts';

const large: MachineLimits = { descriptors: 1_000_000, memoryBytes: 256 * 2 ** 30, cores: 64, isPatient: false };
const small: MachineLimits = { descriptors: 1024, memoryBytes: 2 ** 30, cores: 2, isPatient: false };

const sizes = (names: readonly string[], limits = large) =>
  Object.fromEntries(
    names.map((name) => {
      const { cases } = chooseScenario(name, allScenarios).cases(limits);
      return [name, cases.map((one) => one.name)];
    }),
  );

test('on a large machine nothing is left out', async (t) => {
  t.strictSame(sizes(['keep-alive-all', 'bodies', 'rules', 'routes', 'identities', 'threads', 'idle']), {
    'keep-alive-all': [
      'GET, 1 connection',
      'POST 1 KB, 1 connection',
      'GET, 32 connections',
      'POST 1 KB, 32 connections',
      'GET, 256 connections',
      'POST 1 KB, 256 connections',
    ],
    bodies: ['POST 64 KB', 'POST 1 MB', 'GET 1 MB'],
    rules: ['10 rules', '100 rules', '1000 rules', '10000 rules'],
    routes: ['1 routes', '100 routes', '1000 routes', '10000 routes'],
    identities: ['100 identities', '1000 identities', '10000 identities', '100000 identities'],
    threads: ['1 thread', '2 threads'],
    idle: ['10000 connections'],
  });
  for (const { name, cases } of allScenarios) t.ok(cases(large).cases.length > 0, name);
});

test('what a small machine leaves out is said, and can be asked for', async (t) => {
  const identities = chooseScenario('identities', allScenarios);
  t.match(identities.cases(small).notes, [/^no 100000 identities: .* --patient/]);
  t.strictSame(identities.cases({ ...small, isPatient: true }).notes, []);
  t.equal(sizes(['identities'], { ...small, isPatient: true })['identities']?.at(-1), '100000 identities');
  const { cases, notes } = chooseScenario('idle', allScenarios).cases(small);
  t.strictSame(
    cases.map(({ name }) => name),
    ['200 connections'],
  );
  t.match(notes, [/instead of 10000: this machine allows 1024 descriptors$/]);
});

test('fixed rates are named so that they become a curve of rate against p99', async (t) => {
  const { 'open-loop': names } = sizes(['open-loop']);
  for (const name of names ?? []) t.match(name, /^(GET|POST 1 KB), \d+ per second$/);
});

test('a run of each scenario is kept for this version, of its peers and whole, or it is said that none is', async (t) => {
  const bench = join(import.meta.dirname, '../../../bench');
  const files = globSync(`results/${version}/*.json`, { cwd: bench });
  const kept = files.map((file) => {
    const { command, scenario, machine, subjects } = parseResult(readFileSync(join(bench, file)), file);
    t.strictSame([command, scenario, machine.portcullis], ['peers', basename(file, '.json'), version]);
    // Where the cases are what is compared, one peer is enough.
    const sizesAreCompared = allScenarios.some(({ name, sideBySide }) => name === scenario && sideBySide);
    const compared = new Set(subjects.map((subject) => (sizesAreCompared ? subject.case : subject.name)));
    t.ok(compared.size > 1, `${scenario} is a comparison`);
    return scenario;
  });
  t.not(kept.length, 0);
  const [, without = ''] = /No run is kept of ([^:]*):/.exec(readFileSync(join(bench, 'README.md'), 'utf8')) ?? [];
  for (const { name } of allScenarios) t.ok(kept.includes(name) || without.includes(`\`${name}\``), name);
});
