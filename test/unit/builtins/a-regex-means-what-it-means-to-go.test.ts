import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';

test('patterns are RE2: no lookaround, no backreferences', async (t) => {
  for (const pattern of ['(?=a)', '(?<!a)b', '(a)\\1', '(', 'a**', '[z-a]', 'a{1001}', '\\C\\K']) {
    t.equal(call('regex.is_valid', pattern), false, pattern);
    t.throws(() => call('regex.match', pattern, 'a'), BuiltinError, pattern);
  }
  t.equal(call('regex.is_valid', '(?P<name>\\pL+)[[:alpha:]]\\z'), true);
  t.equal(call('regex.is_valid', 1), false);
});

test('$ is the end of the text, not of a line, and . is no line break', async (t) => {
  t.equal(call('regex.match', '^a$', 'a\nb'), false);
  t.equal(call('regex.match', '(?m)^a$', 'a\nb'), true);
  t.equal(call('regex.match', '^.$', '\n'), false);
  t.equal(call('regex.match', '^.$', '\u{1f600}'), true, 'a character beyond 16 bits is one');
});

test('matches do not overlap, and there is no empty one right after another', async (t) => {
  t.same(call('regex.find_n', 'a*', 'baaac', -1), ['', 'aaa', '']);
  t.same(call('regex.find_n', '', '\u{1f600}b', -1), ['', '', '']);
  t.same(call('regex.find_n', 'a', 'aaa', 2), ['a', 'a']);
  t.same(call('regex.find_n', 'a', 'aaa', 0), []);
  t.throws(() => call('regex.find_n', 'a', 'aaa', 1.5), BuiltinError);
  t.same(call('regex.find_all_string_submatch_n', '(a)|(b)', 'ab', -1), [
    ['a', 'a', ''],
    ['b', '', 'b'],
  ]);
});

test('regex.split keeps empty pieces, also at both ends', async (t) => {
  t.same(call('regex.split', 'a', 'banana'), ['b', 'n', 'n', '']);
  t.same(call('regex.split', '^[a-z ]+$', 'foo bar'), ['', '']);
  t.same(call('regex.split', 'x*', 'axb'), ['a', 'b']);
  t.same(call('regex.split', 'a', ''), ['']);
  t.same(call('regex.split', '', ''), []);
});

test('a replacement names groups by number and by name, and the longest name counts', async (t) => {
  const replaced = (replacement: string) => call('regex.replace', 'ab', '(?P<first>a)(b)', replacement);
  t.equal(replaced('$2$1'), 'ba');
  t.equal(replaced('${first}x'), 'ax');
  t.equal(replaced('$1x'), '', 'a group 1x that there is not');
  t.equal(replaced('$$1'), '$1');
  t.equal(replaced('$'), '$');
  t.equal(replaced('${1'), '${1');
  t.equal(replaced('$9$01'), '');
  t.equal(replaced('$&$`'), '$&$`', 'what JavaScript would fill in');
  t.equal(call('regex.replace', 'foo', '^[a-z]', 'F'), 'Foo');
});

test('only what stands between the delimiters of a template is a pattern', async (t) => {
  const matches = (template: string, value: string) => call('regex.template_match', template, value, '{', '}');
  t.equal(matches('urn:a.b:{[0-9]{2}}', 'urn:a.b:12'), true);
  t.equal(matches('urn:a.b:{[0-9]{2}}', 'urn:axb:12'), false);
  t.throws(() => matches('{a)(b}', 'ab'), BuiltinError, 'a part closes a group that it did not open');
  t.throws(() => matches('{a', 'a'), BuiltinError);
  t.throws(() => matches('a}', 'a'), BuiltinError);
  for (const delimiter of ['', '<<', '\u00e9']) {
    t.throws(() => call('regex.template_match', 'a', 'a', delimiter, '}'), BuiltinError, delimiter);
  }
});

test('regex.globs_match gives what OPA gives, its greedy mistakes included', async (t) => {
  t.equal(call('regex.globs_match', '[a-z]+', '[0-9]*'), false);
  t.equal(call('regex.globs_match', 'b.*', 'ba[x-z]'), true);
  t.equal(call('regex.globs_match', 'ab*', 'a'), false, 'although b* may be empty');
  for (const bad of ['a]', '[a', '*', 'a**', '[-a]', '[z-a]', 'a\\']) {
    t.throws(() => call('regex.globs_match', bad, 'a'), BuiltinError, bad);
  }
});

test('globs of which regex.globs_match says that they meet have a text in common', async () => {
  const token = fc.tuple(fc.constantFrom('a', 'b', '.', '[ab]'), fc.constantFrom('', '*'));
  const glob = fc.array(token, { minLength: 1, maxLength: 4 });
  const texts = upToLength(8, ['a', 'b']);
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      const [x, y] = [a, b].map((tokens) => tokens.map(([what, flag]) => what + flag).join('')) as [string, string];
      const [p, q] = [new RegExp(`^${x}$`), new RegExp(`^${y}$`)];
      // The other way round it is greedy, and misses some.
      return call('regex.globs_match', x, y) === false || texts.some((text) => p.test(text) && q.test(text));
    }),
  );
});

function upToLength(length: number, alphabet: readonly string[]): readonly string[] {
  if (length === 0) return [''];
  const shorter = upToLength(length - 1, alphabet);
  return ['', ...shorter.flatMap((text) => alphabet.map((character) => character + text))];
}
