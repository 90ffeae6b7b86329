import fc from 'fast-check';
import { test } from 'tap';
import { rewriteQuery } from '../../../proxy/normalise/rewrite-query.ts';
import { readTarget, type Target } from '../../../proxy/normalise/target.ts';

test('what stays is sent as it came, what is set comes last', (t) => {
  const rows: readonly (readonly [string, readonly (readonly [string, string])[], readonly string[], string])[] = [
    ['/a', [['b', 'c']], [], '/a?b=c'],
    ['/a?', [['b', 'c']], [], '/a?b=c'],
    ['/a?b=1', [], ['b'], '/a'],
    ['/a?b=1&c=%2f+x&B=2', [['b', 'é &=#+']], [], '/a?c=%2f+x&B=2&b=%C3%A9%20%26%3D%23%2B'],
    ['/a?%62=1&b&b=&bb=2', [], ['b'], '/a?bb=2'],
    ['/a?x+y=1&x%20y=2', [], ['x y'], '/a'],
    [
      '/a?b=1',
      [
        ['b', '2'],
        ['b', '3'],
      ],
      [],
      '/a?b=2&b=3',
    ],
    ['/a?b=1&&c', [], [], '/a?b=1&c'],
    ['/a?b=1', [['__proto__', '2']], [], '/a?b=1&__proto__=2'],
  ];
  for (const [target, set, remove, expected] of rows) t.equal(rewriteQuery(target, { set, remove }), expected, target);
  t.end();
});

// Whoever finds a spelling that stays behind chooses the value that the workload reads.
test('for any query: no name that is set or removed stays, and everything else does, in order', (t) => {
  const name = fc.constantFrom<string>('role', 'Role', 'debug', 'a b', 'x');
  const spelt = name.chain((text) =>
    fc.constantFrom(encodeURIComponent(text), encodeURIComponent(text).replaceAll('%20', '+'), percent(text)),
  );
  const text = fc
    .string({ unit: 'grapheme', maxLength: 8 })
    .filter((value) => value.isWellFormed() && !/[\x00-\x1f\x7f]/.test(value));
  const pairs = fc.array(fc.tuple(spelt, text), { maxLength: 6 });
  const set = fc.array(fc.tuple(name, text), { maxLength: 4 });
  fc.assert(
    fc.property(pairs, set, fc.uniqueArray(name), (sent, setting, removing) => {
      const query = sent.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
      const remove = removing.filter((each) => !setting.some(([key]) => key === each));
      const before = readTarget(`/a?${query}`) as Target;
      const after = readTarget(rewriteQuery(before.target, { set: setting, remove }));
      if ('code' in after) throw new Error('it cannot be sent');
      const gone = new Set<string>([...remove, ...setting.map(([key]) => key)]);
      const kept = before.query.filter(([key]) => !gone.has(key) && query !== '');
      t.same(after.query, [...kept, ...setting]);
      if (after.path !== '/a') throw new Error('another path');
    }),
    { numRuns: 500 },
  );
  t.end();
});

/** Each character escaped, as none needs to be. */
function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
