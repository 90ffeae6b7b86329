import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { valueText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const patch = (document: Value, ...patches: Value[]) => call('json.patch', document, patches);

test('paths are JSON pointers: escapes, the end of an array, no leading zeros', async (t) => {
  t.same(patch({ 'a/b': { '~': 1 } }, { op: 'replace', path: '/a~1b/~0', value: 2 }), { 'a/b': { '~': 2 } });
  t.same(patch({ '~1': 1 }, { op: 'remove', path: '/~01' }), {});
  t.same(patch([1], { op: 'add', path: '/-', value: 2 }, { op: 'add', path: '/0', value: 0 }), [0, 1, 2]);
  for (const path of ['/-', '/2', '/01', '/-1', '/x', '/', '/1e0', ['0', 'x']]) {
    t.throws(() => patch([1, 2], { op: 'remove', path }), BuiltinError, String(path));
  }
});

test('a member of a set is named by itself', async (t) => {
  const patched = patch(
    readValue('{{"n":1},"x"}') as Value,
    { op: 'add', path: [{ n: 1 }, 'm'], value: 2 },
    { op: 'remove', path: ['x'] },
  );
  t.equal(valueText(patched ?? null), '{{"m":2,"n":1}}');
  t.throws(() => patch(readValue('{1}') as Value, { op: 'add', path: [2], value: 3 }), BuiltinError);
});

test('an item that was removed stays removed', async (t) => {
  // OPA 1.22 gives {"a":[{"n":1,"x":1}]}: it brings the first item back.
  const removed = { op: 'remove', path: '/a/0' };
  t.same(patch({ a: [{ n: 1 }, { n: 2 }] }, removed, { op: 'add', path: '/a/0/x', value: 1 }), { a: [{ n: 2, x: 1 }] });
  // And it crashes here.
  t.throws(() => patch({ a: 1 }, { op: 'remove', path: '' }), BuiltinError);
});

test('what was there is not changed', async (t) => {
  const document = { a: [{ b: 1 }], c: { d: 1 } };
  const before = JSON.stringify(document);
  t.same(
    patch(document, { op: 'move', from: '/c/d', path: '/a/0/d' }, { op: 'test', path: '/a/0', value: { b: 1, d: 1 } }),
    {
      a: [{ b: 1, d: 1 }],
      c: {},
    },
  );
  t.equal(JSON.stringify(document), before);
  t.throws(() => patch(document, { op: 'test', path: '/c/d', value: 2 }), BuiltinError);
  t.throws(() => patch(document, { op: 'move', from: '/a', path: '/a/0/x' }), BuiltinError);
});

test('__proto__ is a member like any other', async (t) => {
  const made = patch(
    {},
    { op: 'add', path: '/__proto__', value: { admin: true } },
    { op: 'add', path: '/__proto__/x', value: 1 },
  );
  t.equal(valueText(made ?? null), '{"__proto__":{"admin":true,"x":1}}');
  t.equal((made as { readonly admin?: unknown }).admin, undefined);
  t.equal(({} as { readonly admin?: unknown }).admin, undefined);
  t.throws(() => patch({}, { op: 'add', path: '/constructor/prototype/x', value: 1 }), BuiltinError);
  t.equal(valueText(call('json.remove', made as Value, ['/__proto__/admin']) ?? null), '{"__proto__":{"x":1}}');
  t.equal(valueText(call('json.filter', made as Value, ['/__proto__/admin']) ?? null), '{"__proto__":{"admin":true}}');
});

test('copies that double the document and patches of a large one are stopped', async (t) => {
  const double = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/${i}` }));
  t.throws(() => patch({ a: 1 }, ...double), /copies more than/);
  const nested = Array.from({ length: 5_000 }, () => ({ op: 'copy', from: '', path: '/a' }));
  t.throws(() => patch({ a: 1 }, ...nested), /deeper than/);
  const large = Array.from({ length: 10_000 }, () => 0);
  const many = Array.from({ length: 10_000 }, () => ({ op: 'add', path: '/0', value: 1 }));
  t.throws(() => callWith(budget(), 'json.patch', large, many), EvaluationError);
  t.throws(() => patch({ a: 1 }, { op: 'remove', path: '/a'.repeat(500_000) }), BuiltinError);
});
