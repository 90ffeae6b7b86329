import { stripVTControlCharacters } from 'node:util';
import { test } from 'tap';
import { chartsOf } from '../../../bench/report/charts.ts';
import { progress } from '../../../bench/report/progress.ts';
import { resultTable } from '../../../bench/report/table.ts';
import type { BenchResult } from '../../../bench/result.ts';
import { benchResult, benchSubject } from '../../harness/bench-result.ts';

const lines = (result: BenchResult) => resultTable(result, { color: false }).split('\n');
const rowsOf = (result: BenchResult, name: string) => lines(result).filter((line) => line.startsWith(`${name}  `));

test('each figure stands beside its ratio to the first subject of its case', async (t) => {
  const [small, large] = rowsOf(benchResult(), 'stock SDK');
  t.match(small, /20\.2 \(6\.67x\)/);
  t.match(large, /121 \(30\.00x\)/);
  for (const row of [...rowsOf(benchResult(), 'portcullis, plan'), small, large]) {
    const figures = row?.match(/(?<= )\d[\d.,]*(?= |$)/g) ?? [];
    t.equal(figures.length, 6);
    t.equal(row?.match(/[\d.,]+ \(\d+\.\d+x\)/g)?.length, 6, 'p50, p90, p99, p99.9, CPU and rate');
  }
});

test('below it stands how far the rounds lie apart', async (t) => {
  const [, spread] = lines(benchResult()).filter((line) => line.includes('min..max of 7 rounds'));
  t.match(spread, /20\.\.20\.4 +80\.\.81\.6 +22\.\.22\.4 +49,020\.\.50,000/);
});

test('a subject alone in its case is compared with itself in the first case', async (t) => {
  const subjects = [10, 100].map((rules, index) => benchSubject({ case: `${rules} rules` }, 2 * (index + 1)));
  t.match(rowsOf(benchResult({ subjects }), 'portcullis')[1], /\(2\.00x\)/);
});

test('what the first subject has no figure of is compared with the first that has one, or with itself in the first case', async (t) => {
  const direct = (of: string) => {
    const { rounds, ...subject } = benchSubject({ name: 'direct', case: of, memory: [], extra: [] }, 1);
    return { ...subject, rounds: rounds.map((round) => ({ ...round, cpu: null })) };
  };
  const alone = ['500 per second', '1000 per second'].flatMap((of, index) => [
    direct(of),
    benchSubject({ case: of }, 2 * (index + 1)),
  ]);
  const [first, second] = rowsOf(benchResult({ subjects: alone }), 'portcullis');
  t.match(first, / 2\.22 \(1\.00x\) /);
  t.match(second, / 4\.44 \(2\.00x\) /);
  const subjects = [direct(''), benchSubject({}, 2), benchSubject({ name: 'nginx' }, 3)];
  t.match(rowsOf(benchResult({ subjects }), 'nginx')[0], / 3\.33 \(1\.50x\) /);
  t.match(resultTable(benchResult({ subjects }), { color: false }), /nginx 60, at most 60\.5, 60\.5 \(\d+\.\d+x\)/);
});

test('a subject alone in the whole run is marked as no result', async (t) => {
  const table = resultTable(benchResult({ subjects: [benchSubject({}, 2)] }), { color: false });
  t.match(table, /note: portcullis was measured alone: such a figure says nothing/);
  t.notMatch(resultTable(benchResult(), { color: false }), /alone/);
});

test('failures, notes, a loud neighbour and what is not measured are said', async (t) => {
  const [subject] = benchResult().subjects;
  if (subject === undefined) throw new Error('no subject');
  const rounds = subject.rounds.map((round) => ({ ...round, failures: 2, cpu: null }));
  const machine = { ...benchResult().machine, foreignLoad: 0.5 };
  const table = resultTable(benchResult({ machine, subjects: [{ ...subject, rounds }] }), { color: false });
  t.match(table, /portcullis, plan, 14 FAILED/);
  t.match(table, /note: other processes used 50 %/);
  t.match(table, /note: OPA was not found/);
  t.match(table, / - /, 'no CPU');
});

test('a terminal is sent nothing that a name contains', async (t) => {
  const hostile = 'a\u001b]0;owned\u0007\u001b[2Jb\nc\u202ed';
  const subjects = [benchSubject({ name: hostile, case: hostile }, 2)];
  const table = resultTable(benchResult({ subjects, scenario: hostile, notes: [hostile] }), { color: true });
  t.notMatch(stripColors(table), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.match(table, /ab cd/);
});

const stripColors = (text: string) => text.replaceAll(/\u001b\[\d+m/g, '');

test('progress is one line on a terminal, and nothing anywhere else', async (t) => {
  let written = '';
  const line = progress({ write: (text) => (written += text), isTTY: true, columns: 20 });
  line.show('round 1 of 3:\n\u001b[31mnginx\u001b[39m with a long name');
  line.show('round 2');
  line.clear();
  t.equal(written, '\r\u001b[Kround 1 of 3: nginx\r\u001b[Kround 2\r\u001b[K');
  t.equal(stripVTControlCharacters(written).includes('\n'), false);
  const elsewhere = progress({ write: () => t.fail('no terminal'), columns: 20 });
  elsewhere.show('round 1');
  elsewhere.clear();
});

test('a chart is made for what was measured, and none for what was not', async (t) => {
  const titles = (result: BenchResult) => chartsOf(result).map(({ title }) => title);
  t.same(titles(benchResult()), [
    'Latency, 100 rules',
    'Latency, 1000 rules',
    'Where the time goes',
    'p50 by number of rules',
    'Memory over time',
  ]);
  const bare = benchSubject({ stages: [], memory: [], extra: [] }, 2);
  t.same(titles(benchResult({ subjects: [bare] })), ['Latency']);
  t.same(titles(benchResult({ subjects: [{ ...bare, latency: { ...bare.latency, distribution: [] } }] })), []);
});

test('cases that end with a number are one curve for each kind, and a single size is none', async (t) => {
  const cases = ['GET, 1 connection', 'GET, 32 connections', 'POST, 1 connection', 'POST, 32 connections', '7 rules'];
  const subjects = cases.map((of, index) => benchSubject({ case: of, stages: [], memory: [] }, index + 1));
  const found = chartsOf(benchResult({ subjects })).filter(({ title }) => title.includes(' by '));
  t.same(
    found.map(({ title, series }) => [title, series[0]?.points.map(([x]) => x)]),
    [
      ['p50 by number of connections, GET', [1, 32]],
      ['p50 by number of connections, POST', [1, 32]],
    ],
  );
});

test('a curve of nines rises, ends before everything, and leaves out zero', async (t) => {
  const distribution = [
    [0, 0],
    [0.5, 2],
    [0.9, 5],
    [0.99, 9],
    [1, 50],
  ] as const;
  const subject = benchSubject({}, 2);
  const subjects = [{ ...subject, latency: { ...subject.latency, distribution } }];
  const points = chartsOf(benchResult({ subjects }))[0]?.series[0]?.points.map(([x, y]) => [x, Number(y.toFixed(6))]);
  t.same(points, [
    [2, 0.30103],
    [5, 1],
    [9, 2],
  ]);
});

test('stages that only some have are layers of nothing for the others', async (t) => {
  const subjects = [
    benchSubject({ name: 'a', stages: [{ name: 'x', micros: 1 }] }, 2),
    benchSubject(
      {
        name: 'b',
        stages: [
          { name: 'y', micros: 3 },
          { name: 'y', micros: 1 },
        ],
      },
      2,
    ),
  ];
  const chart = chartsOf(benchResult({ subjects })).find(({ bars }) => bars !== undefined);
  t.same(chart?.bars, ['a', 'b']);
  t.same(chart?.series, [
    {
      name: 'x',
      points: [
        [0, 1],
        [1, 0],
      ],
    },
    {
      name: 'y',
      points: [
        [0, 0],
        [1, 4],
      ],
    },
  ]);
});
