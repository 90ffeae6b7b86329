import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { checkCommands } from '../../../proxy/cli/check.ts';
import { runCli } from '../../../proxy/cli/commands.ts';
import { type Content, packed } from '../bundle/archives.ts';
import { planOf, statement } from '../plan/made-by-hand.ts';
import { constant, fakeOpaModule, loopForEver, trap } from '../policy/fake-opa-module.ts';
import { change, good, writeFolder } from './folder.ts';

async function check(folder: string, engine: 'plan' | 'wasm', bundle: Content) {
  const config = change(
    '  rego: [./policy]\n  data: ./data.json\n',
    `  engine: ${engine}\n  bundle: ./b.tar.gz\n`,
    good,
  );
  const file = writeFolder(folder, config);
  writeFileSync(join(folder, 'b.tar.gz'), packed(bundle));
  const said = { out: '', err: '' };
  const io = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    env: {},
    cwd: dirname(file),
    now: () => 0,
    color: false,
    onSignal: () => () => undefined,
  };
  const code = await runCli(checkCommands, ['check', '-c', 'portcullis.yaml'], io, '0.0.0');
  return { code, ...said };
}

const entrypoint = 'portcullis/authz/decision';
const evaluate = constant(128);
const module = (more: object): Content => ({
  '/policy.wasm': fakeOpaModule({ evaluate, texts: { 16: `{"${entrypoint}":0}`, 128: '{{"result":true}}' }, ...more }),
});
const plan = (text: string): Content => ({ '/plan.json': text });
const call = statement('CallStmt', { func: 'f', args: [], result: 2 });

const rows: readonly (readonly [what: string, 'plan' | 'wasm', Content, RegExp])[] = [
  [
    'a module cut short',
    'wasm',
    { '/policy.wasm': fakeOpaModule({ evaluate }).subarray(0, 100) },
    /no WebAssembly module: .*; build the policy again/,
  ],
  [
    'a module that traps at once',
    'wasm',
    module({ start: trap }),
    /cannot be started: unreachable; build the policy again/,
  ],
  [
    'a module that never starts',
    'wasm',
    module({ start: loopForEver }),
    /did not decide a sample request within 1000 ms; look for/,
  ],
  [
    'a module without the entrypoint',
    'wasm',
    module({ texts: { 16: '{"a":0}' } }),
    /policy\.entrypoint: no rule is named portcullis\/authz\/decision; the policy has a; name/,
  ],
  [
    'a module that asks for the network',
    'wasm',
    module({ texts: { 16: `{"${entrypoint}":0}`, 64: '{"http.send":0}' } }),
    /http\.send is refused: it asks the network .*; rewrite/,
  ],
  [
    'no module',
    'wasm',
    plan('{}'),
    /the engine wasm needs policy\.wasm, and the bundle has only what plan runs; build/,
  ],
  ['no plan', 'plan', module({}), /the engine plan needs plan\.json, and the bundle has only what wasm runs; build/],
  [
    'a plan cut short',
    'plan',
    plan(planOf({ entrypoints: { a: [] } }).slice(0, -9)),
    /plan\.json is not a plan; build it again/,
  ],
  [
    'a plan without the entrypoint',
    'plan',
    plan(planOf({ entrypoints: { a: [] } })),
    /policy\.entrypoint: no rule is named portcullis\/authz\/decision; the policy has a; name/,
  ],
  [
    'a plan that calls nobody',
    'plan',
    plan(planOf({ entrypoints: { a: [call] } })),
    /calls f, which is neither a function .*; build the policy again/,
  ],
  [
    'a plan that asks for the network',
    'plan',
    plan(planOf({ entrypoints: { a: [] }, builtins: ['http.send'] })),
    /http\.send is refused: it asks the network .*; rewrite/,
  ],
  ['a plan of nothing', 'plan', plan('null'), /plan\.json is not a plan; build it again/],
];

for (const [what, engine, bundle, says] of rows) {
  test(`${engine}: ${what}`, async (t) => {
    const { code, out, err } = await check(t.testdir(), engine, bundle);
    t.equal(code, 1, err);
    t.equal(err, '');
    t.match(out, says);
    t.match(out, /^portcullis\.yaml:\d+:\d+: policy[^\n]*\n1 problem\n$/, 'one line: its place, what, and what to do');
    t.notMatch(out, /Error|\bat .*:\d+:\d+\)|undefined/);
  });
}
