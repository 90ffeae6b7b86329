import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { valueText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

test('what is written is safe inside HTML and has no half surrogate pairs', async (t) => {
  t.equal(call('json.marshal', '</script>&\u2028\u2029'), '"\\u003c/script\\u003e\\u0026\\u2028\\u2029"');
  t.equal(call('json.marshal', '\\ud800 \ud800'), '"\\\\ud800 \\ufffd"');
  t.equal(
    call('json.marshal', readValue('{"b":{2,1},1:"x","a":9007199254740993}') as Value),
    '{"1":"x","a":9007199254740993,"b":[1,2]}',
  );
  t.equal(call('json.marshal', readValue('{1:"x","1":"y"}') as Value), '{"1":"y"}');
});

test('layout is chosen by the options and is the same JSON', async (t) => {
  const value = { a: [1, { 'b:{': '[,]' }], c: [], d: {} };
  t.equal(call('json.marshal_with_options', value, {}), JSON.stringify(value));
  t.equal(call('json.marshal_with_options', value, { pretty: true }), JSON.stringify(value, undefined, '\t'));
  t.equal(call('json.marshal_with_options', value, { indent: '  ', pretty: false }), JSON.stringify(value));
  t.equal(call('json.marshal_with_options', [1], { prefix: '>', indent: ' ' }), '>[\n> 1\n>]');
  t.throws(() => call('json.marshal_with_options', value, { color: true }), BuiltinError);
  let deep: Value = 1;
  for (let i = 0; i < 900; i++) deep = [deep];
  const wide = { prefix: '', indent: 'x'.repeat(100_000) };
  t.throws(() => callWith(budget(), 'json.marshal_with_options', deep, wide), EvaluationError);
});

test('what is read is exact, the last of two members, and never half a surrogate pair', async (t) => {
  t.equal(
    valueText(call('json.unmarshal', '{"a":1,"a":12345678901234567890,"__proto__":{"x":1}}') ?? null),
    '{"__proto__":{"x":1},"a":12345678901234567890}',
  );
  t.equal(call('json.unmarshal', '"\\ud800\\udc00 \\ud800 \\\\ud800"'), '\u{10000} \ufffd \\ud800');
  t.same(call('json.unmarshal', '{"\\udcff":1}'), { '\ufffd': 1 });
  for (const bad of [
    '',
    '{',
    '1 2',
    '01',
    "{'a':1}",
    '[1,]',
    '\ufeff1',
    'NaN',
    '['.repeat(100_000),
    `${'['.repeat(1_001)}${']'.repeat(1_001)}`,
  ]) {
    t.throws(() => call('json.unmarshal', bad), BuiltinError, bad.slice(0, 20));
    t.equal(call('json.is_valid', bad), false, bad.slice(0, 20));
  }
  t.equal(call('json.is_valid', ' {"a": 1e400} '), true);
  t.equal(call('json.is_valid', 1), false);
});
