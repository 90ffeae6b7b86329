import { test } from 'tap';
import { keyOf } from '../../../policy/value/key.ts';
import { insert, keysOf, member, objectOf, sizeOf } from '../../../policy/value/object.ts';
import { compareValues, equalValues } from '../../../policy/value/order.ts';
import { partOf } from '../../../policy/value/part.ts';
import { readJson } from '../../../policy/value/read-json.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { jsonText, valueText } from '../../../policy/value/text.ts';
import { RegoMap, type ObjectValue } from '../../../policy/value/value.ts';

const text = '{"__proto__":{"admin":true},"constructor":1}';
const ways: readonly (readonly [string, ObjectValue])[] = [
  [
    'built',
    objectOf([
      ['__proto__', { admin: true }],
      ['constructor', 1],
    ]),
  ],
  ['read as JSON', readJson(text) as ObjectValue],
  ['read as a value', readValue(text) as ObjectValue],
];

for (const [how, object] of ways) {
  test(`__proto__ is a member of an object that was ${how}`, async (t) => {
    t.equal(Object.getPrototypeOf(object), Object.prototype);
    t.equal((object as { readonly admin?: unknown }).admin, undefined);
    t.same(keysOf(object), ['__proto__', 'constructor']);
    t.equal(sizeOf(object), 2);
    t.same(member(object, '__proto__'), { admin: true });
    t.equal(partOf(object, 'constructor'), 1);
    t.equal(valueText(object), text);
    t.equal(jsonText(object), text);
  });
}

test('what an object inherits is no member of it', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.equal(member({}, name), undefined, name);
    t.equal(partOf({}, name), undefined, name);
    t.equal(partOf([], name), undefined, name);
  }
  t.equal(partOf([1], '0'), undefined, 'a text is no index');
  t.equal(partOf([1], 'length'), undefined);
});

test('an object with __proto__ is not equal to one without, and is one key of a set', async (t) => {
  const [[, one], [, other]] = ways as unknown as [[string, ObjectValue], [string, ObjectValue]];
  t.notOk(equalValues(one, { constructor: 1 }));
  t.not(compareValues(one, { constructor: 1 }), 0);
  t.ok(equalValues(one, other));
  t.equal(keyOf(one), keyOf(other));
});

test('__proto__ stays a member when the first key that is no text makes a map of the object', async (t) => {
  const map = insert(objectOf([['__proto__', 1]]), 2, 3);
  t.ok(map instanceof RegoMap);
  t.equal(member(map, '__proto__'), 1);
  t.equal(valueText(map), '{2:3,"__proto__":1}');
});
