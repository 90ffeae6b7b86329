import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { resultText } from '../../bench/result-file.ts';
import type { BenchResult } from '../../bench/result.ts';
import { benchResult, benchSubject } from '../harness/bench-result.ts';
import { portcullis } from '../harness/command.ts';
import { compared } from '../harness/compared-results.ts';

const before = benchResult();
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
    [[file, 'b.json', '--figures', 'p50,cpu'], /'cpu' is none of p50, p99, CPU/],
    [[file, 'b.json', '--treshold', '5%'], /./],
  ];
  for (const [words, says] of calls) {
    const { code, stdout, stderr } = await portcullis('bench', 'compare', ...words);
    t.equal(code, 2, words.join(' '));
    t.equal(stdout, '');
    t.match(stderr, says);
  }
});
