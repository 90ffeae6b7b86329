import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { compileRules } from '../policy/policies.ts';

/** Rules s1 to s40, each made of the one before. */
const chain = (rule: (before: string) => string, length = 40): string =>
  Array.from({ length }, (_, i) => `s${i + 1} := ${rule(`s${i}`)}`).join('\n');

/** 32 KB of text, and 512 words of a number, that are equal and not identical. */
const text = `s0 := "abcdefgh"\n${chain((s) => `concat("", [${s}, ${s}])`, 12)}\nsame := concat("", [s11, s11])\n`;
const number = `s0 := 12345678901234567890\n${chain((s) => `${s} * ${s}`, 9)}\nsame := s8 * s8\n`;

/** Each call makes two of the next function: 2^40 calls. */
const calls = Array.from({ length: 40 }, (_, i) => `f${i}(x) := f${i + 1}(x + 1) + f${i + 1}(x + 2)`).join('\n');

/** Policies that do not come to an end, by what they do. Data has a list of ten thousand numbers and an object of 500 members. */
export const runaways: Readonly<Record<string, string>> = {
  'ten thousand by ten thousand': 'decision if count([1 | some i in data.list; some j in data.list; i == j + 0.5]) > 0',
  'functions that call functions': `${calls}\nf40(x) := x\ndecision if f0(count(data.list)) == 0`,
  'a growing array': 'decision := [[i, j] | some i in data.list; some j in data.list]',
  'a growing set': 'decision := {[i, j] | some i in data.list; some j in data.list}',
  'a growing object': 'decision := {k: 1 | some i in data.list; some j in data.list; k := sprintf("%d-%d", [i, j])}',
  'walk in walk':
    'decision if { walk(data.list, [_, a]); walk(data.list, [_, b]); walk(data.list, [_, c]); [a, b, c] == [-1, -1, -1] }',
  'a long range': 'decision := count(numbers.range(1, 1000000000))',
  'regular expressions in a loop':
    'decision if { some i in data.list; some j in data.list; regex.match("^(a+)+$", sprintf("%s%d", ["aaaaaaaaaaaaaaaa", i + j])) }',
  'text that doubles': `s0 := "abcdefgh"\n${chain((s) => `concat("", [${s}, ${s}])`)}\ndecision := count(s40)`,
  'an array that doubles': `s0 := ["abcdefgh"]\n${chain((s) => `array.concat(${s}, ${s})`)}\ndecision := count(s40)`,
  'JSON in JSON': `s0 := "\\""\n${chain((s) => `json.marshal([${s}, ${s}])`)}\ndecision := count(s40)`,
  'shared parts as text': `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := json.marshal(s40)`,
  'shared parts in a set': `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := {s40}`,
  'a long text compared again and again': `${text}decision if { some i in data.list; some j in data.list; s12 == same; i == j + 0.5 }`,
  'a long text looked for in a set': `${text}decision if { some i in data.list; some j in data.list; same in {s12}; i == j + 0.5 }`,
  'a long text as the start of another': `${text}decision if { some i in data.list; some j in data.list; startswith(s12, same); i == j + 0.5 }`,
  'a long number compared again and again': `${number}decision if { some i in data.list; some j in data.list; s9 == same; i == j + 0.5 }`,
  'data replaced in a loop': 'decision := [x | some i in data.list; x := count(data.list) with data.wide.a as i]',
  'arrays copied in a loop': 'decision := [x | some i in data.list; x := array.reverse(data.list)]',
  'sets of keys in a loop': 'decision := [x | some i in data.list; x := object.keys(data.wide)]',
};

/** Ends by the size of its result, which nobody may take for a budget of steps. */
export const sharedResult = `s0 := "x"\n${chain((s) => `[${s}, ${s}]`)}\ndecision := s40`;

export const list = Array.from({ length: 10_000 }, (_, i) => i);
const wide = Object.fromEntries(list.slice(0, 500).map((i) => [`k${i}`, { v: i }]));

/** With an honest input the same policy decides at once. */
export function compileRunaway(rules: string): Promise<PolicyBundle> {
  return compileRules(
    `answer := 1 if input.honest\n${rules}\ngate := answer\ngate := decision if not input.honest`,
    'test/gate',
    JSON.stringify({ list, wide }),
  );
}
