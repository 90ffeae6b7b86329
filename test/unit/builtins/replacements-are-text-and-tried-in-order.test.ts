import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { said } from './said.ts';

test('a replacement is no pattern: JavaScript would expand $&', async (t) => {
  t.equal(said('replace', '"a$b", "$", "$&$1$$"'), '"a$&$1$$b"');
  t.equal(said('replace', '"a.b", ".", "-"'), '"a-b"');
  t.equal(said('strings.replace_n', '{"a": "$&"}, "aba"'), '"$&b$&"');
});

test('an empty pattern is before every character and at the end', async (t) => {
  t.equal(said('replace', '"abc", "", "-"'), '"-a-b-c-"');
  t.equal(said('replace', '"", "", "-"'), '"-"');
  t.equal(said('strings.replace_n', '{"": "-", "a": "X"}, "ab"'), '"-X-b-"');
});

test('of several patterns the first in order that fits, and what it made is not looked at again', async (t) => {
  t.equal(said('strings.replace_n', '{"ab": "2", "a": "1"}, "abc"'), '"1bc"');
  t.equal(said('strings.replace_n', '{"a": "b", "b": "a"}, "abba"'), '"baab"');
  t.equal(said('strings.replace_n', '{"<": "&lt;", ">": "&gt;"}, "<b>"'), '"&lt;b&gt;"');
  t.equal(said('strings.replace_n', '{}, "abc"'), '"abc"');
});

test('patterns and replacements are strings', async (t) => {
  t.throws(() => said('strings.replace_n', '{1: "a"}, "abc"'), BuiltinError);
  t.throws(() => said('strings.replace_n', '{"a": 1}, "abc"'), BuiltinError);
});
