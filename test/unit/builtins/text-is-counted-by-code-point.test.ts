import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';
import { said } from './said.ts';

const smile = '\u{1f600}';

test('a character beyond 16 bits counts once', async (t) => {
  t.equal(call('count', `a${smile}b`), 3);
  t.equal(call('indexof', `a${smile}bc`, 'b'), 2);
  t.same(call('indexof_n', `aaa${smile}aa`, 'aa'), [0, 1, 4]);
  t.equal(call('substring', `a${smile}bc`, 1, 2), `${smile}b`);
  t.equal(call('substring', `a${smile}bc`, 2, -1), 'bc');
  t.equal(call('strings.reverse', `a${smile}b`), `b${smile}a`);
  t.same(call('split', `a${smile}`, ''), ['a', smile]);
  t.equal(call('trim_right', `a${smile}${smile}`, smile), 'a');
  t.equal(call('trim', `${smile}a${smile}`, `bcdefghijk${smile}`), 'a');
  t.equal(call('strings.count', smile, ''), 2);
  t.equal(call('replace', `${smile}a`, '', '-'), `-${smile}-a-`);
});

test('substrings, against arrays of code points', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', smile, '\u2028') });
  fc.assert(
    fc.property(text, fc.nat(12), fc.integer({ min: -2, max: 12 }), (value, start, length) => {
      const wanted = Array.from(value).slice(start, length < 0 ? undefined : start + length);
      return call('substring', value, start, length) === wanted.join('');
    }),
  );
});

test('a length may be as large as 64 bits, an offset not negative', async (t) => {
  t.equal(call('substring', 'abc', 1, 2n ** 63n - 1n), 'bc');
  t.throws(() => call('substring', 'abc', 1, 2n ** 63n), BuiltinError);
  t.throws(() => call('substring', 'abc', -1, 1), { message: 'negative offset' });
  t.throws(() => call('substring', 'abc', 0.5, 1), BuiltinError);
});

test('letters change case one by one, as in Go', async (t) => {
  t.equal(call('lower', 'Content-TYPE'), 'content-type');
  t.equal(call('upper', 'Content-type'), 'CONTENT-TYPE');
  // JavaScript would say "SS", and write the last sigma of a word differently.
  t.equal(call('upper', 'stra\u00dfe'), 'STRA\u00dfE');
  t.equal(call('lower', '\u0391\u03a3'), '\u03b1\u03c3');
  t.equal(call('lower', '\u0130'), 'i');
  t.equal(call('upper', '\u1f80\u1fb3'), '\u1f88\u1fbc');
});

test('what counts as space is what Unicode says, not what JavaScript does', async (t) => {
  t.equal(call('trim_space', '\t\u0085 a b\u00a0\u2003\n'), 'a b');
  t.equal(call('trim_space', '\ufeffa\ufeff'), '\ufeffa\ufeff');
});

test('trimming takes characters, prefixes and suffixes whole strings', async (t) => {
  t.equal(call('trim', 'abcba', 'ab'), 'c');
  t.equal(call('trim_left', 'abcba', 'ab'), 'cba');
  t.equal(call('trim_right', 'abcba', 'ab'), 'abc');
  t.equal(call('trim', 'aaa', 'a'), '');
  t.equal(call('trim_prefix', 'ababc', 'ab'), 'abc');
  t.equal(call('trim_prefix', 'abc', 'x'), 'abc');
  t.equal(call('trim_suffix', 'abcbc', 'bc'), 'abc');
  t.equal(call('trim_suffix', 'abc', ''), 'abc');
  t.equal(call('trim_suffix', 'abc', 'x'), 'abc');
});

test('splitting and joining', async (t) => {
  t.equal(said('split', '"/a//b", "/"'), '["","a","","b"]');
  t.equal(said('split', '"", ""'), '[]');
  t.equal(said('strings.split_n', '"a.b.c", ".", 2'), '["a","b"]');
  t.equal(said('strings.split_n', '"a.b.c", ".", -2'), '["b","c"]');
  t.equal(said('strings.split_n', '"a.b.c", ".", 0'), '[]');
  t.equal(said('concat', '"-", {"b", "a"}'), '"a-b"', 'a set in its order');
  t.equal(said('concat', '"-", []'), '""');
  t.throws(() => said('concat', '"-", ["a", 1]'), BuiltinError);
  t.throws(() => said('concat', '"-", "a"'), BuiltinError);
});

test('searching', async (t) => {
  t.equal(said('contains', '"abc", ""'), 'true');
  t.equal(said('startswith', '"abc", "ab"'), 'true');
  t.equal(said('endswith', '"abc", "ab"'), 'false');
  t.equal(said('indexof', '"abc", "x"'), '-1');
  t.equal(said('indexof', '"abc", "a"'), '0');
  t.equal(said('strings.count', '"aaaa", "aa"'), '2');
  t.throws(() => said('indexof', '"abc", ""'), { message: 'empty search character' });
  t.throws(() => said('indexof_n', '"abc", ""'), { message: 'empty search character' });
});

test('any of several prefixes or suffixes of any of several strings', async (t) => {
  t.equal(said('strings.any_prefix_match', '"/orders/1", {"/a", "/orders/"}'), 'true');
  t.equal(said('strings.any_prefix_match', '["b", "abc", "c"], ["ab", "x"]'), 'true');
  t.equal(said('strings.any_prefix_match', '["b", "a", "c"], ["ab", "bb", "d"]'), 'false');
  t.equal(said('strings.any_prefix_match', '[], [""]'), 'false');
  t.equal(said('strings.any_suffix_match', '"a.test", [".test"]'), 'true');
  t.equal(said('strings.any_suffix_match', '{"a.test", "b.demo"}, ".demo"'), 'true');
  t.equal(said('strings.any_suffix_match', '{"a.test", "b.demo"}, ["a", ".tes"]'), 'false');
  t.throws(() => said('strings.any_prefix_match', '1, "a"'), BuiltinError);
  t.throws(() => said('strings.any_prefix_match', '["a", 1], "a"'), BuiltinError);
});

test('any prefix, against trying all pairs', async () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', smile), maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(texts, texts, (strings, affixes) => {
      const prefix = strings.some((one) => affixes.some((affix) => one.startsWith(affix)));
      const suffix = strings.some((one) => affixes.some((affix) => one.endsWith(affix)));
      return (
        call('strings.any_prefix_match', strings, affixes) === prefix &&
        call('strings.any_suffix_match', strings, affixes) === suffix
      );
    }),
  );
});
