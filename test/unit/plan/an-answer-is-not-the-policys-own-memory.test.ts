import { test } from 'tap';
import { plainJson } from '../../../policy/engines/plan/plain-json.ts';
import { sortedMembers } from '../../../policy/value/order.ts';
import { setOf } from '../../../policy/value/set.ts';
import type { Value } from '../../../policy/value/value.ts';

test('whoever changes the array that came of a set changes no set', async (t) => {
  for (const members of [['only'], ['b', 'a']]) {
    const set = setOf(members);
    (plainJson(set) as Value[]).push('more');
    t.same(sortedMembers(set), members.toSorted());
    t.equal(set.members.size, members.length);
  }
});

test('a value in which there is a set stays what it was', async (t) => {
  const part = Object.freeze({ set: setOf([2, 1]), plain: Object.freeze([1]) });
  const value = JSON.parse('{"__proto__":0,"parts":[]}') as { [name: string]: Value };
  Object.defineProperty(value, '__proto__', { value: part, enumerable: true, writable: true, configurable: true });
  value['parts'] = Object.freeze([part, 'text']);
  const answer = plainJson(value);
  t.equal(JSON.stringify(answer), '{"__proto__":{"set":[1,2],"plain":[1]},"parts":[{"set":[1,2],"plain":[1]},"text"]}');
  t.equal(Object.getPrototypeOf(answer), Object.prototype);
  t.same(sortedMembers(part.set), [1, 2]);
  t.equal(part.set.members.size, 2);
});
