import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { said } from './said.ts';

test('a path leads through objects, arrays and sets, or to the default', async (t) => {
  t.equal(said('object.get', '{"a": [{"b": 1}]}, ["a", 0, "b"], 0'), '1');
  t.equal(said('object.get', '{"a": {"b"}}, ["a", "b"], 0'), '"b"');
  t.equal(said('object.get', '{"a": 1}, ["a", "b"], 0'), '0');
  t.equal(said('object.get', '{"a": 1}, [], 0'), '{"a":1}');
  t.equal(said('object.get', '{1: 2}, 1, 0'), '2');
  t.throws(() => said('object.get', '[1], 0, 0'), BuiltinError);
});

test('null is a value, and no reason for the default', async (t) => {
  t.equal(said('object.get', '{"a": null}, "a", 5'), 'null');
  t.equal(said('object.get', '{"a": {"b": null}}, ["a", "b"], 5'), 'null');
});

test('what every JavaScript object has is no member, and what JSON says is one', async (t) => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.equal(said('object.get', `{}, "${name}", 0`), '0', name);
    t.equal(said('object.get', `{"${name}": 1}, "${name}", 0`), '1', name);
    t.equal(
      said('object.union', `{"a": 1}, {"${name}": {"x": 1}}`),
      said('object.union', `{"${name}": {"x": 1}}, {"a": 1}`),
    );
    t.equal(said('object.remove', `{"${name}": 1, "a": 2}, ["a"]`), `{"${name}":1}`);
    t.equal(said('object.filter', `{"${name}": 1}, {"constructor", "__proto__", "toString"}`), `{"${name}":1}`);
  }
  t.equal(said('object.union', '{"__proto__": {"a": 1}}, {"__proto__": {"b": 2}}'), '{"__proto__":{"a":1,"b":2}}');
});

test('keys are taken from an array, a set, or an object', async (t) => {
  for (const keys of ['["a", "x"]', '{"a", "x"}', '{"a": 0, "x": 0}']) {
    t.equal(said('object.remove', `{"a": 1, "b": 2}, ${keys}`), '{"b":2}');
    t.equal(said('object.filter', `{"a": 1, "b": 2}, ${keys}`), '{"a":1}');
  }
  t.equal(said('object.remove', '{1: 1, "1": 2}, [1]'), '{"1":2}');
  t.equal(said('object.keys', '{"b": 1, 2: 1}'), '{2,"b"}');
  t.throws(() => said('object.remove', '{"a": 1}, "a"'), BuiltinError);
});

test('a union goes down into objects that both have, and otherwise the later one wins', async (t) => {
  t.equal(said('object.union', '{"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "b": [2]}'), '{"a":{"x":1,"y":2},"b":[2]}');
  t.equal(said('object.union', '{}, {"a": 1}'), '{"a":1}');
  t.equal(said('object.union', '{"a": 1}, {}'), '{"a":1}');
  t.equal(said('object.union', '{"a": {"x": 1}}, {"a": {1: 2}}'), '{"a":{1:2,"x":1}}');
  t.equal(said('object.union_n', '[{"a": {"b": 2}}, {"a": 4}, {"a": {"c": 3}}]'), '{"a":{"c":3}}');
  t.equal(said('object.union_n', '[{"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"d": 3}}]'), '{"a":{"b":1,"c":2,"d":3}}');
  t.equal(said('object.union_n', '[]'), '{}');
  t.throws(() => said('object.union_n', '[{}, 1]'), BuiltinError);
});

test('a union leaves its operands as they were', async (t) => {
  t.equal(said('array.concat', '[], [1]'), '[1]');
  const { call } = await import('./call.ts');
  const inner = { x: 1 };
  const objects = [{ a: inner }, { a: { y: 2 } }, { a: { z: 3 } }];
  t.same(call('object.union_n', objects), { a: { x: 1, y: 2, z: 3 } });
  t.same(objects, [{ a: { x: 1 } }, { a: { y: 2 } }, { a: { z: 3 } }]);
});

test('a subset: of objects in depth, of arrays as a run, of sets by member', async (t) => {
  t.equal(said('object.subset', '{"a": {"x": 1, "y": [1, 2]}, "b": 2}, {"a": {"y": [2]}}'), 'true');
  t.equal(said('object.subset', '{"a": 1}, {"a": 2}'), 'false');
  t.equal(said('object.subset', '{"a": 1}, {"b": 1}'), 'false');
  t.equal(said('object.subset', '{1, 2}, {2}'), 'true');
  t.equal(said('object.subset', '{1, 2}, {3}'), 'false');
  t.equal(said('object.subset', '[1, 1, 2], [1, 2]'), 'true');
  t.equal(said('object.subset', '[1, 2], [2, 1]'), 'false');
  t.equal(said('object.subset', '[1, 2], [1, 2, 3]'), 'false');
  t.equal(said('object.subset', '[1, 2], []'), 'true');
  t.equal(said('object.subset', '[1, 2, 3], {3, 1}'), 'true');
  // OPA's Go counts the second 1 for the 2, and says true.
  t.equal(said('object.subset', '[1, 1], {1, 2}'), 'false');
  t.throws(() => said('object.subset', '{1}, [1]'), BuiltinError);
});
