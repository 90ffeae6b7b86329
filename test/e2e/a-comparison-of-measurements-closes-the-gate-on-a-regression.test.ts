import { test } from 'tap';
import { measureCase } from '../../bench/policy/measure.ts';
import { resultText } from '../../bench/result-file.ts';
import { type Subject, timed } from '../../bench/subject.ts';
import { openEngine } from '../../policy/engines/select.ts';
import { defaultSettings } from '../../policy/engines/settings.ts';
import type { PolicyInput } from '../../policy/input.ts';
import { benchResult, benchSubject } from '../harness/bench-result.ts';
import { compared } from '../harness/compared-results.ts';
import { ownBundle, ownPolicy } from '../harness/own-policy.ts';
import { clientId } from '../harness/proxy.ts';

const before = benchResult();
/** The first subject is a half slower. */
const slower = benchResult({
  subjects: before.subjects.map((subject, index) =>
    index === 0 ? benchSubject({ name: subject.name, case: subject.case }, 4.5) : subject,
  ),
});

test('a regression ends with 1 and is named, with the method', async (t) => {
  const { code, stdout } = await compared(t, before, slower);
  t.equal(code, 1);
  t.match(stdout, /portcullis, plan +100 rules +p50 +3\.03 +4\.54 +1\.50x +1\.4\d\.\.1\.5\d +REGRESSION/);
  t.match(stdout, /stock SDK .* no change that can be told from noise/);
  t.match(
    stdout,
    /method: ratio of the medians .* 99 % percentile bootstrap interval of 2000 resamples .* more than 5 %/,
  );
  t.match(stdout, /regression: portcullis, plan \(100 rules\): p50 1\.50x/);
});

test('the same files give the same answer', async (t) => {
  const first = await compared(t, before, slower);
  t.same(await compared(t, before, slower), first);
});

test('the threshold, an improvement and no change let the gate open', async (t) => {
  const within = await compared(t, before, slower, '--threshold', '60%');
  t.equal(within.code, 0);
  t.match(within.stdout, /changed beyond noise: slower, within the threshold[^]*no regression/);
  const faster = await compared(t, slower, before);
  t.equal(faster.code, 0);
  t.match(faster.stdout, /changed beyond noise: faster/);
  t.equal((await compared(t, before, resultText(before).replaceAll('2026-11-20', '2026-11-21'))).code, 0);
});

test('--json says the same', async (t) => {
  const { code, stdout } = await compared(t, before, slower, '--json');
  t.equal(code, 1);
  const told = JSON.parse(stdout);
  t.match(told, { method: /bootstrap/, threshold: 0.05, doubts: [] });
  t.equal(told.regressions.length, 3);
  t.match(told.changes[0], { subject: 'portcullis, plan', case: '100 rules', figure: 'p50', verdict: 'regression' });
  t.ok(told.changes[0].interval[0] > 1.4 && told.changes[0].interval[1] < 1.6);
});

test('--figures leaves out what a loud machine cannot tell', async (t) => {
  const { stdout } = await compared(t, before, slower, '--figures', 'CPU', '--json');
  const { changes, regressions } = JSON.parse(stdout);
  t.same([...new Set(changes.map(({ figure }: { figure: string }) => figure))], ['CPU']);
  t.same(regressions, ['portcullis, plan (100 rules): CPU 1.50x']);
});

test('machines that differ and loud neighbours are said', async (t) => {
  const other = { ...before.machine, cpu: 'Another', cores: 8, foreignLoad: 0.4 };
  const { code, stdout } = await compared(t, before, benchResult({ machine: other }));
  t.equal(code, 0);
  t.match(stdout, /note: the machines differ \(cpu A processor before and Another after; cores 2 before and 8 after\)/);
  t.match(stdout, /note: after: other processes used 40 %/);
});

test('a policy made slower on purpose, which has 2,000 values to go through in place of 2, is measured as a regression', async (t) => {
  const facts = { attributes: { source: { principal: clientId } }, portcullis: { route: { parameters: { id: '1' } } } };
  const input = facts as unknown as PolicyInput;
  const measured = async (values: number) => {
    const closed = Array.from({ length: values }, (_, index) => `closed ${index}`);
    const bundle = await ownBundle(ownPolicy(t, { 'data.json': JSON.stringify({ closed }) }));
    // The plan engine has an index of them.
    const { decide } = await openEngine(bundle, { ...defaultSettings, engine: 'wasm', cache: undefined });
    t.match(decide(input), [{ result: { allow: true } }]);
    const subject: Subject = {
      name: 'portcullis, wasm',
      about: '',
      tells: 'result',
      answers: async () => [],
      turn: async (times) => ({ micros: timed([input], times, decide), cpuMicros: null, residentBytes: null }),
      stages: async () => [],
    };
    const plan = { rounds: 5, roundMillis: 20, show: () => undefined };
    const subjects = await measureCase('', [subject], [{ name: 'input', input }], plan, new Map());
    return benchResult({ subjects, notes: [] });
  };
  const { code, stdout } = await compared(t, await measured(2), await measured(2000), '--figures', 'p50');
  t.equal(code, 1);
  t.match(stdout, /^regression: portcullis, wasm: p50 \d+\.\d\dx$/m);
});
