import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';
import { said } from './said.ts';

test('sets', async (t) => {
  t.equal(said('or', '{1, [1]}, {2, [1]}'), '{1,2,[1]}');
  t.equal(said('or', 'set(), {1}'), '{1}');
  t.equal(said('or', '{1}, set()'), '{1}');
  t.equal(said('and', '{1, {"a": 1}, 3}, {{"a": 1}, 3}'), '{3,{"a":1}}');
  t.equal(said('minus', '{1, 2, 3}, {2}'), '{1,3}');
  t.equal(said('set_diff', '{1, 2}, set()'), '{1,2}');
  t.equal(said('union', '{{1, 2}, {2, 3}}'), '{1,2,3}');
  t.equal(said('union', 'set()'), 'set()');
  t.equal(said('intersection', '{{1, 2}, {2, 3}}'), '{2}');
  t.equal(said('intersection', 'set()'), 'set()');
  t.throws(() => said('union', '{{1}, 2}'), BuiltinError);
  t.throws(() => said('and', '{1}, [1]'), BuiltinError);
});

test('aggregates', async (t) => {
  t.equal(said('count', '{1, 2}'), '2');
  t.equal(said('count', '{"a": 1}'), '1');
  t.equal(said('count', '[1, 1]'), '2');
  t.equal(said('sort', '{"b", 1, null, [], true, "a"}'), '[null,true,1,"a","b",[]]');
  t.equal(said('sort', '[3, 1, 2, 1]'), '[1,1,2,3]');
  t.equal(said('max', '[1, "a", null]'), '"a"');
  t.equal(said('min', '{1, "a", null}'), 'null');
  t.equal(said('max', '[]'), 'undefined');
  t.equal(said('sum', '{1, 2}'), '3');
  t.equal(said('product', '[]'), '1');
  t.equal(said('all', '[]'), 'true');
  t.equal(said('all', '[true, 1]'), 'false');
  t.equal(said('any', '{false, true}'), 'true');
  t.equal(said('any', '[false, "true"]'), 'false');
  for (const name of ['count', 'sort', 'max', 'sum', 'all', 'any']) {
    t.throws(() => call(name, 5), BuiltinError, name);
  }
  t.throws(() => call('sum', ['1']), BuiltinError);
});

test('arrays', async (t) => {
  t.equal(said('array.concat', '[1], [2]'), '[1,2]');
  t.equal(said('array.concat', '[], [2]'), '[2]');
  t.equal(said('array.concat', '[1], []'), '[1]');
  t.equal(said('array.flatten', '[1, [2, [3]], []]'), '[1,2,[3]]');
  t.equal(said('array.reverse', '[1, 2]'), '[2,1]');
  t.equal(said('array.slice', '[1, 2, 3], 1, 9223372036854775807'), '[2,3]');
  t.equal(said('array.slice', '[1, 2, 3], -2, 2'), '[1,2]', 'a negative index is the beginning');
  t.equal(said('array.slice', '[1, 2, 3], 2, 1'), '[]');
  t.throws(() => said('array.concat', '[1], {2}'), BuiltinError);
});

test('membership', async (t) => {
  t.equal(said('internal.member_2', '1, [2, 1.0]'), 'true');
  t.equal(said('internal.member_2', '"a", ["b"]'), 'false');
  t.equal(said('internal.member_2', '[1], {[1]}'), 'true');
  t.equal(said('internal.member_2', '1, {"a": 1}'), 'true');
  t.equal(said('internal.member_2', '"a", {"a": 1}'), 'false', 'a key is no member');
  t.equal(said('internal.member_2', '2, {1: 2}'), 'true');
  t.equal(said('internal.member_2', '1, {1: 2}'), 'false');
  t.equal(said('internal.member_2', '"a", "abc"'), 'false');
  t.equal(said('internal.member_3', '0, "a", ["a"]'), 'true');
  t.equal(said('internal.member_3', '"0", "a", ["a"]'), 'false');
  t.equal(said('internal.member_3', '"length", 1, ["a"]'), 'false', 'JavaScript has one, Rego has not');
  t.equal(said('internal.member_3', '"a", 1, {"a": 1}'), 'true');
  t.equal(said('internal.member_3', '"a", "a", {"a"}'), 'true');
  t.equal(said('internal.member_3', '"a", "b", {"a", "b"}'), 'false');
  t.equal(said('internal.member_3', '0, "a", "a"'), 'false');
});

test('comparison is of values, and over all types', async (t) => {
  t.equal(said('equal', '[1, {2}], [1.0, {2}]'), 'true');
  t.equal(said('eq', '1, 2'), 'false');
  t.equal(said('neq', '1, "1"'), 'true');
  t.equal(said('lt', 'null, false'), 'true');
  t.equal(said('lte', '"b", "a"'), 'false');
  t.equal(said('gt', '[1, 2], [1]'), 'true');
  t.equal(said('gte', '9007199254740993, 9007199254740992'), 'true');
});

test('types', async (t) => {
  const named = {
    null: 'null',
    true: 'boolean',
    1: 'number',
    '"a"': 'string',
    '[1]': 'array',
    '{1}': 'set',
    '{}': 'object',
  };
  for (const [value, type] of Object.entries(named)) {
    t.equal(said('type_name', value), `"${type}"`);
    for (const other of Object.values(named)) t.equal(said(`is_${other}`, value), String(type === other));
    if (type === 'number') continue;
    t.equal(said(`cast_${type}`, value), value);
  }
  t.equal(said('cast_array', '{2, 1}'), '[1,2]');
  t.equal(said('cast_set', '[1, 1]'), '{1}');
  for (const type of ['null', 'boolean', 'string', 'array', 'set', 'object']) {
    t.throws(() => said(`cast_${type}`, '1'), BuiltinError, type);
  }
});

test('walking gives every part with its path, in order, the document first', async (t) => {
  const parts = '[[[],{"b":[1],"a":{[2]}}],[["a"],{[2]}],[["a",[2]],[2]],[["a",[2],0],2],[["b"],[1]],[["b",0],1]]';
  t.equal(said('walk', '{"b": [1], "a": {[2]}}'), parts.replace('{"b":[1],"a":{[2]}}', '{"a":{[2]},"b":[1]}'));
  t.equal(said('walk', '1'), '[[[],1]]');
});
