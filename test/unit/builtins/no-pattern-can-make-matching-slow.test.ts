import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { budget, call, callWith, decisionSteps } from './call.ts';

const hundredKilobytes = 'a'.repeat(100_000);

/** Generous: a backtracking engine would need longer than the universe is old. Of this process, not of a busy machine. */
const deadlineMs = 5_000;
const usedMs = (): number => process.cpuUsage().user / 1_000;

test('patterns that stop a backtracking engine take linear time', async (t) => {
  const started = usedMs();
  for (const pattern of ['(a+)+$', '^(a+)+$', '(a|a)*b', '(a|aa)+$', '(.*)*x', '(\\w+\\s?)*$']) {
    t.type(call('regex.match', pattern, `${hundredKilobytes}!`), 'boolean', pattern);
  }
  t.ok(usedMs() - started < deadlineMs);
});

test('regex.split does not run on a backtracking engine (npm-opa-wasm: src/builtins/regex.ts)', async (t) => {
  const started = usedMs();
  t.same(call('regex.split', '^(a+)+$', `${'a'.repeat(5_000)}!`), [`${'a'.repeat(5_000)}!`]);
  t.ok(usedMs() - started < deadlineMs);
  // What RE2 and JavaScript read differently.
  t.same(call('regex.split', '\\z', 'ab'), ['ab']);
  t.throws(() => call('regex.split', '(?=b)', 'ab'), BuiltinError);
  t.same(call('regex.split', '(b)', 'abc'), ['a', 'c'], 'JavaScript would give the group as a piece');
});

test('a search that looks at the whole rest for every match is stopped by the budget', async (t) => {
  const started = usedMs();
  for (const name of ['regex.find_n', 'regex.find_all_string_submatch_n']) {
    t.throws(() => callWith(budget(decisionSteps / 4), name, 'a.*b|a', hundredKilobytes, -1), EvaluationError);
  }
  t.throws(() => callWith(budget(decisionSteps / 4), 'regex.split', 'a.*b|a', hundredKilobytes), EvaluationError);
  t.throws(() => callWith(budget(decisionSteps / 4), 'regex.replace', hundredKilobytes, 'a.*b|a', ''), EvaluationError);
  t.ok(usedMs() - started < deadlineMs);
});

test('a policy may take a pattern from its input: a long one is charged, a very long one refused', async (t) => {
  const alternatives = Array.from({ length: 10_000 }, (_, i) => `w${i}`).join('|');
  t.throws(() => callWith(budget(), 'regex.match', alternatives, 'w1'), EvaluationError);
  t.equal(call('regex.match', `^(?:${alternatives})$`, 'w9999'), true);
  const started = usedMs();
  t.throws(() => call('regex.match', 'a?'.repeat(500_000), 'a'), BuiltinError);
  t.throws(() => call('regex.match', '('.repeat(50_000), 'a'), BuiltinError);
  t.throws(() => call('regex.match', '((a{1000}){1000}){1000}', 'a'), BuiltinError);
  t.ok(usedMs() - started < deadlineMs);
});

test('a replacement that grows the text is charged before it grows', async (t) => {
  const tenGigabytes = '$0'.repeat(100_000);
  t.throws(() => callWith(budget(), 'regex.replace', hundredKilobytes, 'a+', tenGigabytes), EvaluationError);
});

test('the usual pattern on the usual text costs next to nothing', async (t) => {
  const cost = decisionSteps / 20;
  t.equal(callWith(budget(cost), 'regex.match', '^/api/v[0-9]+/users/([a-z]+)$', '/api/v1/users/bob'), true);
  t.equal((callWith(budget(cost), 'regex.split', '\\s*,\\s*', 'a, b, c, d'.repeat(20)) as unknown[]).length, 61);
});

test('globs are as linear: a thousand stars, groups in groups', async (t) => {
  const started = usedMs();
  t.equal(call('glob.match', '*a'.repeat(1_000), null, 'a'.repeat(2_000)), true);
  t.equal(call('glob.match', `${'*a'.repeat(1_000)}b`, null, 'a'.repeat(2_000)), false);
  t.equal(call('glob.match', `${'{a,aa}'.repeat(200)}b`, null, 'a'.repeat(300)), false);
  t.equal(call('glob.match', '{'.repeat(5_000) + '}'.repeat(5_000), null, ''), true);
  t.throws(() => call('glob.match', '*'.repeat(1_000_000), null, 'a'), BuiltinError);
  t.ok(usedMs() - started < deadlineMs);
});

test('regex.globs_match answers each pair of rests once', async (t) => {
  const started = usedMs();
  t.equal(call('regex.globs_match', `${'a*b*'.repeat(300)}x`, `${'b*a*'.repeat(300)}y`), false);
  t.throws(() => callWith(budget(), 'regex.globs_match', 'a*b*'.repeat(2_000), 'b*a*'.repeat(2_000)), EvaluationError);
  t.equal(call('regex.globs_match', '[\u0000-\u{10ffff}]', 'a'), true);
  t.ok(usedMs() - started < deadlineMs);
});
