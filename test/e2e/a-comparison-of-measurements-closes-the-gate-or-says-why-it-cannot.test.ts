import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Test, test } from 'tap';
import { resultText } from '../../bench/result-file.ts';
import type { BenchResult } from '../../bench/result.ts';
import { benchResult, benchSubject } from '../harness/bench-result.ts';
import { type Ended, portcullis } from '../harness/command.ts';

const before = benchResult();
/** The first subject is a half slower. */
const slower = benchResult({
  subjects: before.subjects.map((subject, index) =>
    index === 0 ? benchSubject({ name: subject.name, case: subject.case }, 4.5) : subject,
  ),
});

function compared(t: Test, a: BenchResult | string, b: BenchResult | string, ...words: string[]): Promise<Ended> {
  const folder = t.testdir();
  const files = [a, b].map((content, index) => {
    const file = path.join(folder, index === 0 ? 'before.json' : 'after.json');
    writeFileSync(file, typeof content === 'string' ? content : resultText(content));
    return file;
  });
  return portcullis('bench', 'compare', ...files, ...words);
}

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

test('machines that differ and loud neighbours are said', async (t) => {
  const other = { ...before.machine, cpu: 'Another', cores: 8, foreignLoad: 0.4 };
  const { code, stdout } = await compared(t, before, benchResult({ machine: other }));
  t.equal(code, 0);
  t.match(stdout, /note: the machines differ \(cpu A processor before and Another after; cores 2 before and 8 after\)/);
  t.match(stdout, /note: after: other processes used 40 %/);
});

const others = before.subjects.slice(1);
const text = resultText(before);
const cannot: readonly [what: string, a: BenchResult | string, b: BenchResult | string, error: string, says: RegExp][] =
  [
    [
      'another scenario',
      before,
      benchResult({ scenario: 'x' }),
      'bench-results-not-comparable',
      /scenario is .* and "x" after/,
    ],
    [
      'another command',
      before,
      benchResult({ command: 'proxy' }),
      'bench-results-not-comparable',
      /command is "policy" before/,
    ],
    [
      'a subject missing after',
      before,
      benchResult({ subjects: others }),
      'bench-results-not-comparable',
      /portcullis, plan \(100 rules\) was measured before and not after/,
    ],
    [
      'a subject missing before',
      benchResult({ subjects: others }),
      before,
      'bench-results-not-comparable',
      /portcullis, plan \(100 rules\) was measured after and not before/,
    ],
    [
      'too few rounds',
      benchResult({ subjects: [benchSubject({}, 1, 3)] }),
      benchResult({ subjects: [benchSubject({}, 9, 7)] }),
      'bench-results-not-comparable',
      /too few rounds .* 3, and 5 are needed/,
    ],
    [
      'another version',
      before,
      text.replace('bench/1', 'bench/2'),
      'bench-result-invalid',
      /"portcullis-bench\/2", and this version/,
    ],
    ['not JSON', before, 'p50 3.2\n', 'bench-result-invalid', /after\.json: not whole JSON/],
    ['truncated', before, text.slice(0, text.length / 2), 'bench-result-invalid', /not whole JSON/],
    ['empty', '', before, 'bench-result-invalid', /before\.json: the file is empty/],
    ['some other JSON', before, '{"p50": 1}', 'bench-result-invalid', /not a result of `portcullis bench`/],
  ];

for (const [what, a, b, error, says] of cannot) {
  test(`${what}: it cannot be compared, which is not an open gate`, async (t) => {
    const { code, stdout, stderr } = await compared(t, a, b);
    t.equal(code, 3);
    t.equal(stdout, '');
    t.match(stderr, says);
    t.ok(stderr.startsWith(`error[${error}]: `));
    t.equal(stderr.trimEnd().split('\n').length, 2, 'what happened and what to do');
  });
}

test('a file that is not there is named', async (t) => {
  const folder = t.testdir();
  const { code, stderr } = await portcullis(
    'bench',
    'compare',
    path.join(folder, 'none.json'),
    path.join(folder, 'no.json'),
  );
  t.equal(code, 3);
  t.match(stderr, /^error\[bench-result-unreadable\]: .*none\.json cannot be read \(ENOENT\)/);
});

test('words that make no sense end with 2', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'a.json');
  writeFileSync(file, text);
  symlinkSync(file, path.join(folder, 'same.json'));
  const calls: readonly [words: string[], says: RegExp][] = [
    [[], /name two result files/],
    [[file], /name two result files/],
    [[file, file, file], /name two result files/],
    [[file, file], /are one file/],
    [[file, path.join(folder, 'same.json')], /are one file/],
    [[file, 'b.json', '--threshold', '5'], /'5' is no percentage such as 5%/],
    [[file, 'b.json', '--threshold', '-5%'], /./],
    [[file, 'b.json', '--treshold', '5%'], /./],
  ];
  for (const [words, says] of calls) {
    const { code, stdout, stderr } = await portcullis('bench', 'compare', ...words);
    t.equal(code, 2, words.join(' '));
    t.equal(stdout, '');
    t.match(stderr, says);
  }
});
