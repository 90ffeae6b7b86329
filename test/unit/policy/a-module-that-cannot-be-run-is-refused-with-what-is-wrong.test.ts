import { test } from 'tap';
import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import { constant, type FakeModule, fakeOpaModule, importMemory, importOf, trap } from './fake-opa-module.ts';
import { compileRules } from './policies.ts';

const parts = { plan: '', data: {}, entrypoint: 'test/decision', requiredBuiltins: [] };
const load = (wasm: Uint8Array<ArrayBuffer>) => wasmEngine(makeBundle({ ...parts, wasm }));
const evaluate = constant(128);
const saying = (at: number, text: string): FakeModule => ({ evaluate, texts: { [at]: text } });
const entrypoints = (text: string) => saying(16, text);
const builtins = (text: string) => saying(64, text);

const refused: readonly (readonly [what: string, FakeModule, code: string, says: RegExp])[] = [
  ['entrypoints that are no JSON', entrypoints('{'), 'wasm-invalid', /its entrypoints cannot be read/],
  ['entrypoints that are none', entrypoints('null'), 'wasm-invalid', /its entrypoints are not numbers under names/],
  ['entrypoints as a list', entrypoints('[0]'), 'wasm-invalid', /its entrypoints are not/],
  ['an entrypoint that is no number', entrypoints('{"test/decision":"0"}'), 'wasm-invalid', /its entrypoints are not/],
  ['an entrypoint without end', entrypoints('{"test/decision":1e400}'), 'wasm-invalid', /its entrypoints are not/],
  [
    'another entrypoint',
    entrypoints('{"__proto__":0}'),
    'entrypoint-missing',
    /named test\/decision; the policy has __proto__/,
  ],
  ['built-ins that are no JSON', builtins('{'), 'wasm-invalid', /its built-ins cannot be read/],
  ['built-ins that are none', builtins('null'), 'wasm-invalid', /its built-ins are not numbers under names/],
  ['built-ins as a list', builtins('[]'), 'wasm-invalid', /its built-ins are not/],
  ['a built-in that nobody knows', builtins('{"foo.bar":0}'), 'builtin-refused', /foo\.bar is not offered/],
  ['a built-in named like a member', builtins('{"__proto__":0}'), 'builtin-refused', /__proto__ is not offered/],
  ['a built-in that is refused', builtins('{"http.send":0}'), 'builtin-refused', /http\.send is refused: it asks the/],
  // The SDK would read on beyond the end of the memory, for ever.
  ['lists that lie nowhere', { evaluate, dump: constant(2 ** 30) }, 'wasm-invalid', /its built-ins cannot be read/],
  ['lists that lie before the memory', { evaluate, dump: constant(-8) }, 'wasm-invalid', /cannot be read/],
  ['a start that traps', { evaluate, start: trap }, 'wasm-invalid', /cannot be started: unreachable/],
  [
    'a function that nobody offers',
    { evaluate, imports: [importMemory(), importOf('env', 'fd_write', 'function')] },
    'wasm-invalid',
    /imports the function env\.fd_write, which/,
  ],
  [
    'a known name of an unknown module',
    { evaluate, imports: [importMemory(), importOf('wasi', 'opa_abort', 'function')] },
    'wasm-invalid',
    /imports the function wasi\.opa_abort, which/,
  ],
  [
    'a number under the name of a function',
    { evaluate, imports: [importMemory(), importOf('env', 'opa_abort', 'global')] },
    'wasm-invalid',
    /imports the global env\.opa_abort, which/,
  ],
  ['an evaluation that is a number', { evaluate, globalInsteadOf: 'opa_eval' }, 'wasm-invalid', /lacks opa_eval/],
  [
    'more memory than there may be',
    { evaluate, imports: [importMemory(40_000)] },
    'policy-too-large',
    /needs more than 268435456 bytes/,
  ],
];

for (const [what, module, code, message] of refused) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => load(fakeOpaModule(module)), { name: 'PolicyError', code, message });
    t.end();
  });
}

test('a module that was cut short anywhere is refused', async (t) => {
  const { wasm } = await compileRules('decision := count(input.list) == input.n');
  for (let length = 0; length < wasm.length; length += 9973) {
    t.throws(() => load(wasm.slice(0, length)), { code: 'wasm-invalid' }, `${length} of ${wasm.length} bytes`);
  }
});
