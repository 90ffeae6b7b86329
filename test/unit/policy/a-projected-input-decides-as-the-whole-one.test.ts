import fc from 'fast-check';
import { test } from 'tap';
import { abacWorkload } from '../../../bench/workload/abac/workload.ts';
import { makeBundle, type PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import type { PolicyEngine } from '../../../policy/engine.ts';
import { inputWriter } from '../../../policy/engines/input-writer.ts';
import { projection, wholeText } from '../../../policy/engines/projection.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import { buildInput, type PolicyInput } from '../../../policy/input.ts';
import { inputReads } from '../../../policy/input-reads.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { compileRules, facts, input, validated } from './policies.ts';

/** Every way of reaching into the input that is no plain path, and some that are. */
const rules = `
decision := {name | some name; facts[name]}
facts.alias if request.method == "GET"
facts.nested if input.a.b.c == 1
facts.absent if not input.a.b.gone
facts.variable if { some key; input.headers[key] == "x" }
facts.index if input.list[1].name == "x"
facts.every if every item in input.items { item.ok }
facts.counted if count(input.items) > 1
facts.computed if input.maps[input.list[0].name]
facts.through if { copy := input.a; copy.d == input.a.e }
facts.called if same(input.a.f, input.g)
facts.comprehended if 2 in [item.n | some item in input.items]
facts.otherwise := x if { x := input.h.i } else := input.h.j
facts.proto if input["__proto__"].admin
facts.inherited if input.constructor
facts.spaced if input["a \\"b"].c
facts.whole if not data.test.empty
same(x, y) if x.k == y.k
request := input.attributes.request.http
empty if input.z == {}`;

const names = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'g',
  'h',
  'i',
  'j',
  'k',
  'n',
  'ok',
  'name',
  'list',
  'items',
  'headers',
  'maps',
];
const odd = ['__proto__', 'constructor', 'a "b', 'gone', 'z', 'x', '', 'attributes', 'request', 'http', 'method'];

const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, 2, 'x', 'GET', 1e300),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names, ...odd, 'x'), tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value;

const members = fc.dictionary(fc.constantFrom(...names, ...odd), anything, { noNullPrototype: true });

/** Each of the paths above is there more often than chance would put it. */
const likely = fc.record(
  {
    a: fc.record({ b: anything, d: anything, e: anything, f: anything }, { requiredKeys: [] }),
    items: fc.array(fc.record({ ok: fc.constant(true), n: fc.nat(3) })),
    headers: fc.dictionary(fc.constantFrom(...names), fc.constantFrom('x', 'y')),
    list: fc.array(fc.record({ name: fc.constantFrom('x', 'a') })),
    maps: anything,
    attributes: fc.record({ request: fc.record({ http: anything }) }),
    h: anything,
    g: anything,
  },
  { requiredKeys: [] },
);

const whole = (bundle: PolicyBundle): PolicyEngine => wasmEngine(makeBundle({ ...bundle, inputPaths: undefined }));

test('whatever the input, the policy says the same of all of it and of what it can read', async (t) => {
  const bundle = await compileRules(rules);
  t.notSame(bundle.inputPaths, [[]]);
  const [projected, full] = [wasmEngine(bundle), whole(bundle)];
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(likely, members), (value) => {
      const [a, b] = [projected, full].map((engine) => JSON.stringify(engine.decide(value as PolicyInput)));
      seen.add(a ?? '');
      return a === b;
    }),
    { numRuns: 2000 },
  );
  t.ok(seen.size > 20, `${seen.size} different decisions`);
});

test('input that is used as a whole, or replaced, is not projected', async (t) => {
  for (const rule of [
    'count(input) > 1',
    'x := input; x == {}',
    'data.test.f with input.a as 1',
    'walk(input, [_, 1])',
  ]) {
    const bundle = await compileRules(`f if input.a\ndecision if { ${rule} }`);
    t.same(bundle.inputPaths, [[]], rule);
  }
  const none = await compileRules('decision := true');
  t.same(none.inputPaths, []);
});

test('the time of the request is a part of what a policy reads through a built-in', async (t) => {
  const { inputPaths } = await compileRules('decision if time.now_ns() > input.a');
  t.same(inputPaths, [['a'], ['portcullis', 'time', 'unix_ms']]);
});

test('on the workload a projected input is a fraction of the whole, and decides the same', async (t) => {
  const { rego, entrypoint, data, inputs } = abacWorkload('indexed', 100);
  const folder = t.testdir({ 'data.json': JSON.stringify(data) });
  const bundle = await buildPolicy({ regoPaths: rego, dataFile: `${folder}/data.json`, entrypoint });
  const [projected, full] = [wasmEngine(bundle), whole(bundle)];
  const project = projection(bundle.inputPaths);
  for (const one of inputs) {
    t.same(projected.decide(one as unknown as PolicyInput), full.decide(one as unknown as PolicyInput));
    t.ok(project(one).length * 4 < wholeText(one).length);
  }
});

test('a part of the input is built for a policy that can read it', async (t) => {
  const rows: readonly (readonly [rule: string, headers: boolean, body: boolean, portcullis: boolean])[] = [
    ['input.parsed_path[0] == "a"', false, false, false],
    ['not input.attributes.request.http.headers["x-a"]', true, false, false],
    ['contains(input.attributes.request.http.body, "1")', false, true, false],
    ['some name; input.attributes.request.http[name] == "GET"', true, true, false],
    ['time.now_ns() > 0', false, false, true],
    ['not input.portcullis.user', false, false, true],
  ];
  const given = facts({ request: { ...facts().request, headers: ['x-a', '1'] }, body: validated({ a: 1 }) });
  for (const [rule, headers, body, portcullis] of rows) {
    const engine = planEngine(await compileRules(`decision if { ${rule} }`));
    t.same(engine.reads, { headers, body, portcullis }, rule);
    const [part, all] = [buildInput(given, engine.reads), buildInput(given)];
    const { http } = part.attributes.request;
    const built = [http.headers, part.portcullis].map((one) => Object.keys(one).length > 0);
    t.same([...built, 'body' in http], [headers, portcullis, body], rule);
    t.same(engine.decide(part), engine.decide(all), rule);
  }
  for (const path of [[], ['attributes'], ['attributes', 'request', 'http', 'headers', 'x-a']]) {
    t.ok(inputReads([['parsed_path'], path]).headers);
  }
  t.same(inputReads(undefined), { headers: true, body: true, portcullis: true });
});

test('a projection keeps exactly what its paths name', (t) => {
  const project = projection([['a', 'b'], ['a', 'c', 'd'], ['__proto__'], ['e']]);
  const rows: readonly (readonly [unknown, string])[] = [
    [{ a: { b: 1, c: { d: [2], x: 3 }, x: 4 }, e: null, x: 5 }, '{"a":{"b":1,"c":{"d":[2]}},"e":null}'],
    [JSON.parse('{"__proto__":{"x":1},"a":{"__proto__":1}}'), '{"a":{},"__proto__":{"x":1}}'],
    [{ a: [1], e: 2n ** 64n }, '{"e":18446744073709551616}'],
    [{ a: 'text' }, '{}'],
    ['text', '{}'],
    [null, '{}'],
  ];
  for (const [value, text] of rows) t.equal(project(value), text);
  t.equal(projection(undefined)({ a: 1 }), '{"a":1}');
  t.throws(() => projection(undefined)(Object.assign([], { 0: [] }, { 0: cyclic() })));
  t.end();
});

const written = (paths: readonly (readonly string[])[]) => {
  const [write, project] = [inputWriter(paths), projection(paths)];
  return (value: unknown) => ({ bytes: Buffer.from(write(value)).toString(), text: project(value) });
};

test('what is written byte by byte is what is projected, whatever it is and however long', (t) => {
  const both = written([['a', 'b'], ['a', 'c', 'd'], ['e'], ['list'], ['h \\"'], ['attributes', 'request', 'http']]);
  const same = (value: unknown): boolean => {
    const { bytes, text } = both(value);
    return bytes === text;
  };
  const texts = [
    '',
    'plain',
    '"',
    '\\',
    '\u007f',
    '\0',
    'é',
    '\u2028',
    '\ufffd',
    '😀',
    'a'.repeat(256),
    'a'.repeat(257),
  ];
  const long = [
    'é'.repeat(16_000),
    'a'.repeat(16_384),
    Array(40).fill('a'.repeat(250)),
    Array(80).fill('a'.repeat(250)),
  ];
  const numbers = [0, -0, 1.5, -1, 1e21, 2 ** 53 - 1, 2 ** 53, 2n ** 70n];
  const others = [null, true, { x: 1 }, [[]], [1, 'a', {}], [1, undefined], undefined, () => 1, [() => 1], {}, []];
  for (const one of [...texts, ...long, ...numbers, ...others]) {
    for (const value of [
      { e: one, list: [one, 'x'] },
      { a: one, e: 1 },
      { a: { b: one, c: { d: one } }, 'h \\"': one },
      one,
    ]) {
      t.ok(same(value), typeof one);
    }
  }
  fc.assert(fc.property(fc.oneof(likely, members), same), { numRuns: 500 });
  t.end();
});

test('integers beyond 2^53 reach the module with every digit', async (t) => {
  const bundle = await compileRules('decision := input.parsed_body + 1');
  t.same(wasmEngine(bundle).decide({ ...input(), parsed_body: 2n ** 64n }), [{ result: 2n ** 64n + 1n }]);
});

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}
