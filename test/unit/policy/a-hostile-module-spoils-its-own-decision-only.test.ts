import { test } from 'tap';
import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { decide } from '../../../policy/decision.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { openWasm, wasmEngine } from '../../../policy/engines/wasm.ts';
import { callItself, constant, type FakeModule, fakeOpaModule, growForEver, trap } from './fake-opa-module.ts';
import { compileRules, input } from './policies.ts';

const limits = { maxMemoryBytes: 4 * 1024 * 1024, recycleGrowthBytes: 1024 * 1024 };

function engineOf(module: FakeModule) {
  const parts = { plan: '', data: {}, entrypoint: 'test/decision', requiredBuiltins: [] };
  return wasmEngine(makeBundle({ ...parts, wasm: fakeOpaModule(module) }), limits);
}

const answering = (text: string): FakeModule => ({ evaluate: constant(128), texts: { 128: text } });

test('the stand-in is taken for a module of OPA', (t) => {
  t.equal(decide(engineOf(answering('{{"result":true}}')), input()).kind, 'allow');
  t.end();
});

test('a trap, endless recursion, memory without end and a result that is nowhere are undecided, again and again', (t) => {
  const rows: readonly (readonly [string, FakeModule])[] = [
    ['trap', { evaluate: trap }],
    ['recursion', { evaluate: callItself }],
    ['memory', { evaluate: growForEver }],
    ['an address outside of the memory', { evaluate: constant(2 ** 30) }],
    ['a negative address', { evaluate: constant(-8) }],
    ['address 0', { evaluate: constant(0) }],
  ];
  for (const [name, module] of rows) {
    const engine = engineOf(module);
    for (let round = 0; round < 3; round++) t.equal(decide(engine, input()).kind, 'undecided', name);
  }
  t.end();
});

test('only a result set with one decision is a decision', (t) => {
  const rows = [
    '{{"result":true},{"result":false}}',
    '{{"result":true,"other":true}}',
    '{{"result":{true}}}',
    '{{"result":"true"}}',
    '{{"result":1}}',
    '{{"result":[true]}}',
    '{{"result":1e400}}',
    '{{"result":true}',
    '{"result":true}',
    '[{"result":true}',
    'set()',
    'true',
    '',
    '{}',
    '{{{"result":true}:1}}',
    '{{"__proto__":{"result":true}}}',
  ];
  for (const text of rows) t.equal(decide(engineOf(answering(text)), input()).kind, 'undecided', text);
  t.end();
});

test('a result of ten megabytes is not read, whichever engine has made it', async (t) => {
  const bundle = await compileRules(
    'decision := {"allow": true, "reasons": [x | some _ in numbers.range(1, 5000); x := data.long]}',
    'test/decision',
    JSON.stringify({ long: 'x'.repeat(2000) }),
  );
  for (const engine of [wasmEngine(bundle), planEngine(bundle)]) {
    t.match(decide(engine, input()), { kind: 'undecided', why: /larger than/ });
  }
});

// The same byte up to where the memory ends, and no NUL.
test('of a result of a hundred megabytes only the beginning is read', (t) => {
  const pages = 1600;
  const grow = [...constant(pages), 0x40, 0, 0x1a];
  const fill = [...constant(65_536), ...constant(0x11), ...constant(pages * 65_536), 0xfc, 0x0b, 0];
  const parts = { plan: '', data: {}, entrypoint: 'test/decision', requiredBuiltins: [] };
  const wasm = fakeOpaModule({ evaluate: [...grow, ...fill, ...constant(65_536)] });
  const bundle = makeBundle({ ...parts, wasm });
  t.match(decide(wasmEngine(bundle), input()), { kind: 'undecided', why: /larger than/ });
  t.ok(openWasm(bundle).evaluate(undefined, undefined).length < 5 * 1024 * 1024);
  t.end();
});
