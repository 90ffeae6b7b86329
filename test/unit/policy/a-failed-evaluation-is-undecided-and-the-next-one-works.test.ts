import { test } from 'tap';
import { decide } from '../../../policy/decision.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { compileRules, input, validated } from './policies.ts';

const pageBytes = 65_536;

// THREATS 1.4, npm-opa-wasm issues 143, 28 and 91: memory grows and is never given back.
test('memory is capped, and an evaluation that hits the cap spoils only itself', async (t) => {
  const rules = `
    decision := count({[x, y] | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)}) > 0 if {
      input.attributes.request.http.method == "BOMB"
    } else := count(input.parsed_body) > 0 if {
      input.portcullis.body.kind == "validated"
    } else := true`;
  const engine = wasmEngine(await compileRules(rules), {
    maxMemoryBytes: 64 * pageBytes,
    recycleGrowthBytes: pageBytes,
  });
  const bomb = input();
  const exploding = { ...bomb, attributes: structuredClone(bomb.attributes) };
  Object.assign(exploding.attributes.request.http, { method: 'BOMB' });
  for (let round = 0; round < 3; round++) {
    t.equal(decide(engine, exploding).kind, 'undecided', 'the bomb does not go through');
    t.equal(decide(engine, input()).kind, 'allow', 'the next request is decided by a fresh instance');
  }
  const large = (bytes: number) => input({ body: { ...validated({}), value: { text: 'x'.repeat(bytes) } } });
  for (let round = 0; round < 50; round++) {
    if (decide(engine, large(128 * 1024)).kind !== 'allow') t.fail(`128 kB input ${round} was not decided`);
  }
  t.equal(decide(engine, large(8 * 1024 * 1024)).kind, 'undecided', 'an input larger than the memory');
  t.equal(decide(engine, input()).kind, 'allow');
});

test('under eight pages, 128 kB inputs are undecided and never crash', async (t) => {
  const rules = 'decision := input.parsed_body.text == input.parsed_body.text';
  const limits = { maxMemoryBytes: 8 * pageBytes, recycleGrowthBytes: pageBytes };
  const engine = wasmEngine(await compileRules(rules), limits);
  const body = validated({});
  const small = input({ body: { ...body, value: { text: 'x' } } });
  const large = input({ body: { ...body, value: Array(128 * 1024).fill(1) } });
  for (let round = 0; round < 20; round++) {
    t.equal(decide(engine, large).kind, 'undecided');
    t.equal(decide(engine, small).kind, 'allow');
  }
});

test('what the SDK throws, and input that is not JSON, is undecided', async (t) => {
  const engine = wasmEngine(await compileRules('decision := true if input.parsed_body'));
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const body = validated({});
  let deep: unknown = 1;
  for (let depth = 0; depth < 200_000; depth++) deep = [deep];
  for (const value of [cyclic, deep]) t.equal(decide(engine, input({ body: { ...body, value } })).kind, 'undecided');
  t.equal(decide(engine, input({ body: { ...body, value: 'fine' } })).kind, 'allow');
});

const both = (bundle: PolicyBundle) => [wasmEngine(bundle), planEngine(bundle)];

test('conflicting rules abort the evaluation, which is undecided', async (t) => {
  const rules = 'decision := true if input.parsed_path\ndecision := false if input.version';
  for (const engine of both(await compileRules(rules))) {
    t.match(decide(engine, input()), { kind: 'undecided', why: /conflict/ });
  }
});

test('an entrypoint that is undefined, or not a decision, is undecided through the engines too', async (t) => {
  const rules = `decision := data.answers[input.portcullis.route.name]`;
  const answers = { yes: true, no: false, text: 'true', one: 1, list: [true], object: {}, null: null };
  const bundle = await compileRules(rules, 'test/decision', JSON.stringify({ answers }));
  for (const name of [...Object.keys(answers), 'absent', '__proto__', 'constructor']) {
    const route = { name, template: '/', parameters: new Map<string, string>() };
    const expected = name === 'yes' ? 'allow' : name === 'no' ? 'deny' : 'undecided';
    for (const engine of both(bundle)) t.equal(decide(engine, input({ route })).kind, expected, name);
  }
});

test('a set that holds true is not true', async (t) => {
  const bundle = await compileRules('decision contains true');
  for (const engine of both(bundle)) t.equal(decide(engine, input()).kind, 'undecided');
});
