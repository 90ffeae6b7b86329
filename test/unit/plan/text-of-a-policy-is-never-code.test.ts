import fc from 'fast-check';
import { test } from 'tap';
import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { literal } from '../../../policy/engines/plan/literal.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { openPlan } from '../../../policy/engines/plan/open.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import { compileRules, input } from '../policy/policies.ts';

const hostile = [
  `"`,
  `'`,
  '`',
  '\\',
  '\\"',
  '\0',
  '\u2028',
  '\u2029',
  '\r\n',
  '\ud800',
  '\udc00x',
  '😀',
  '${process.exit(1)}',
  '*/',
  '//',
  '</script>',
  '-->',
  '"];process.exit(1);//',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'length',
  'members',
  'sorted',
  '0',
  '-1',
  '',
  'hasOwnProperty',
  'then',
  'fuel',
  'l0',
];

test('a literal has the value of the text, and no character that could end it', (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...hostile),
    fc.string().map((s) => `${s}\ud800`),
  );
  fc.assert(
    fc.property(text, (value) => {
      const source = literal(value);
      if (!/^"[\x20-\x7e]*"$/.test(source) || /[`'$*/<]/.test(source)) return false;
      return JSON.parse(source) === value;
    }),
    { numRuns: 2000 },
  );
  t.end();
});

/** What only a plan can say: Rego text has no lone surrogates. */
function planOf(key: string, name: string): string {
  const operand = (index: number) => ({ type: 'string_index', value: index });
  const [local, place] = [(value: number) => ({ type: 'local', value }), { file: 0, row: 1, col: 1 }];
  return JSON.stringify({
    static: { strings: [{ value: key }, { value: name }], files: [{ value: key }] },
    plans: {
      plans: [
        {
          name,
          blocks: [
            {
              stmts: [
                { type: 'CallStmt', stmt: { ...place, func: key, args: [local(0), local(1)], result: 2 } },
                { type: 'ResultSetAddStmt', stmt: { ...place, value: 2 } },
              ],
            },
          ],
        },
      ],
    },
    funcs: {
      funcs: [
        {
          name: key,
          params: [0, 1],
          return: 2,
          path: ['g0', key],
          blocks: [
            {
              stmts: [
                { type: 'DotStmt', stmt: { ...place, source: local(0), key: operand(0), target: 3 } },
                { type: 'MakeObjectStmt', stmt: { ...place, target: 4 } },
                { type: 'ObjectInsertStmt', stmt: { ...place, key: operand(0), value: local(3), object: 4 } },
                { type: 'MakeArrayStmt', stmt: { ...place, target: 5 } },
                { type: 'ArrayAppendStmt', stmt: { ...place, value: operand(0), array: 5 } },
                { type: 'ObjectInsertOnceStmt', stmt: { ...place, key: operand(1), value: local(5), object: 4 } },
                { type: 'ReturnLocalStmt', stmt: { ...place, source: 4 } },
              ],
            },
          ],
        },
      ],
    },
  });
}

const same = (a: readonly (readonly unknown[])[], b: readonly (readonly unknown[])[]): boolean =>
  JSON.stringify(a.toSorted(byKey)) === JSON.stringify(b.toSorted(byKey));
const byKey = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);

test('as a key, a constant, and the name of a rule, a file and an entrypoint, any text is plain text', (t) => {
  const word = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(word, word, (key, name) => {
      fc.pre(key !== name);
      const { evaluate } = openPlan({ plan: planOf(key, name), data: {} });
      const missing = evaluate(name, {});
      const given = evaluate(name, Object.fromEntries([[key, 7]]));
      const wanted = [
        [key, 7],
        [name, [key]],
      ];
      // Nothing is inherited: a member that the input does not have is undefined.
      return missing.length === 0 && same(Object.entries(given[0] as object), wanted);
    }),
    { numRuns: 300 },
  );
  t.end();
});

test('hostile text in a policy, its data and its input means the same to both engines', async (t) => {
  // Rego is UTF-8, which has no half of a character.
  const words = hostile.filter((word) => word.isWellFormed());
  const rules = words.map(
    (word, index) => `found contains ${JSON.stringify(`${index}:${word}`)} if input.has[${JSON.stringify(word)}]`,
  );
  const text = [
    ...rules,
    ...words.map((word, index) => `same contains ${index} if data.names[${JSON.stringify(word)}] == input.word`),
    `keys := [key | some key, _ in input.has]`,
    `built := {word: count(word) | some word in input.words}`,
    'decision := {"found": found, "same": same, "keys": keys, "built": built}',
  ].join('\n');
  const data = { names: Object.fromEntries(words.map((word) => [word, word])) };
  const bundle = makeBundle({ ...(await compileRules(text)), data });
  const [plan, wasm] = [planEngine(bundle), wasmEngine(bundle)];
  for (const word of words) {
    const asked = { ...input(), words, word, has: Object.fromEntries([[word, true]]) };
    t.same(plan.decide(asked), wasm.decide(asked), literal(word));
    t.match(plan.decide(asked), [{ result: { keys: [word], found: { length: 1 }, same: { length: 1 } } }]);
  }
});

test('a prototype that somebody has added to decides nothing', async (t) => {
  const engine = planEngine(makeBundle(await compileRules('decision if input.admin == true')));
  t.same(engine.decide(input()), []);
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'admin'));
  Object.assign(Object.prototype, { admin: true });
  t.throws(() => engine.decide(input()), { name: 'EvaluationError', message: /prototype/ });
});
