import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

/** Rules s1 to s40, each made of the one before. */
const chain = (rule: (before: string) => string, length = 40): string =>
  Array.from({ length }, (_, i) => `s${i + 1} := ${rule(`s${i}`)}`).join('\n');

/** 32 KB of text, and 512 words of a number, that are equal and not identical. */
const text = `s0 := "abcdefgh"\n${chain((s) => `concat("", [${s}, ${s}])`, 12)}\nsame := concat("", [s11, s11])\n`;
const number = `s0 := 12345678901234567890\n${chain((s) => `${s} * ${s}`, 9)}\nsame := s8 * s8\n`;

const runaways: Readonly<Record<string, string>> = {
  'ten thousand by ten thousand': 'decision if count([1 | some i in data.list; some j in data.list; i == j + 0.5]) > 0',
  'a growing array': 'decision := [[i, j] | some i in data.list; some j in data.list]',
  'a growing set': 'decision := {[i, j] | some i in data.list; some j in data.list}',
  'a growing object': 'decision := {k: 1 | some i in data.list; some j in data.list; k := sprintf("%d-%d", [i, j])}',
  'walk in walk':
    'decision if { walk(data.list, [_, a]); walk(data.list, [_, b]); walk(data.list, [_, c]); [a, b, c] == [-1, -1, -1] }',
  'a long range': 'decision := count(numbers.range(1, 1000000000))',
  'text that doubles': `s0 := "abcdefgh"\n${chain((s) => `concat("", [${s}, ${s}])`)}\ndecision := count(s40)`,
  'an array that doubles': `s0 := ["abcdefgh"]\n${chain((s) => `array.concat(${s}, ${s})`)}\ndecision := count(s40)`,
  'JSON in JSON': `s0 := "\\""\n${chain((s) => `json.marshal([${s}, ${s}])`)}\ndecision := count(s40)`,
  'shared parts as text': `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := json.marshal(s40)`,
  'shared parts in a set': `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := {s40}`,
  'shared parts as the result': `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := s40`,
  'a long text compared again and again': `${text}decision if { some i in data.list; some j in data.list; s12 == same; i == j + 0.5 }`,
  'a long text looked for in a set': `${text}decision if { some i in data.list; some j in data.list; same in {s12}; i == j + 0.5 }`,
  'a long text as the start of another': `${text}decision if { some i in data.list; some j in data.list; startswith(s12, same); i == j + 0.5 }`,
  'a long number compared again and again': `${number}decision if { some i in data.list; some j in data.list; s9 == same; i == j + 0.5 }`,
  'data replaced in a loop': 'decision := [x | some i in data.list; x := count(data.list) with data.wide.a as i]',
  'arrays copied in a loop': 'decision := [x | some i in data.list; x := array.reverse(data.list)]',
  'sets of keys in a loop': 'decision := [x | some i in data.list; x := object.keys(data.wide)]',
};

const list = Array.from({ length: 10_000 }, (_, i) => i);
const wide = Object.fromEntries(list.slice(0, 500).map((i) => [`k${i}`, { v: i }]));
/** Ten milliseconds is what it takes; a busy machine is given more. */
const maxMs = 400;

for (const [name, rules] of Object.entries(runaways)) {
  test(`${name}: undecided, within the budget, and the next decision works`, async (t) => {
    const bundle = await compileRules(
      `answer := 1 if input.honest\n${rules}\ngate := answer\ngate := decision if not input.honest`,
      'test/gate',
      JSON.stringify({ list, wide }),
    );
    const engine = planEngine(bundle);
    const runaway = () => engine.decide({} as PolicyInput);
    const before = process.threadCpuUsage();
    t.throws(runaway, { name: 'EvaluationError', message: /budget of 100000 steps|result is larger/ });
    const { user, system } = process.threadCpuUsage(before);
    t.ok((user + system) / 1000 < maxMs, `it took ${(user + system) / 1000} ms`);
    t.same(engine.decide({ honest: true } as unknown as PolicyInput), [{ result: 1 }]);
  });
}

test('memory has a budget of its own', async (t) => {
  const bundle = await compileRules(
    'decision := [[i] | some i in data.list]',
    'test/decision',
    JSON.stringify({ list }),
  );
  t.throws(() => planEngine(bundle, { maxSteps: 1e9, maxMemoryBytes: 100_000 }).decide({} as PolicyInput), {
    name: 'EvaluationError',
    message: /100000 bytes of memory \(policy\.max_memory\)/,
  });
});

test('an honest policy over ten thousand rules is decided', async (t) => {
  const rules = list.map((id) => ({ id, method: ['GET', 'PUT'][id % 2], path: `/p${id}`, roles: ['a', 'b'] }));
  const text =
    'decision := [r.id | some r in data.rules; r.method == input.method; startswith(input.path, r.path); "a" in r.roles]';
  const bundle = await compileRules(text, 'test/decision', JSON.stringify({ rules }));
  const input = { method: 'GET', path: '/p42' } as unknown as PolicyInput;
  for (const indexed of [true, false]) {
    t.same(planEngine(bundle, undefined, { indexed }).decide(input), [{ result: [4, 42] }]);
  }
});

test('a hundred reloads leave nothing behind', async (t) => {
  // A process of its own: what measures coverage keeps every script there ever was.
  const program = fileURLToPath(new URL('./reload-many-times.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program], {
    env: { _TAPJS_PROCESSINFO_COVERAGE_: '0' },
  });
  const left = Number(stdout);
  t.ok(Number.isInteger(left) && left < 8_000_000, `${stdout} bytes`);
});
