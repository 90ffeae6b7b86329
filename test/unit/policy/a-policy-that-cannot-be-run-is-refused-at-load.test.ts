import { test } from 'tap';
import { makeBundle, type PolicyBundle, verifyBundle } from '../../../policy/bundle/bundle.ts';
import { decide } from '../../../policy/decision.ts';
import { runCompiler } from '../../../policy/compiler/run.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyError } from '../../../policy/errors.ts';
import { compileRules, facts, input, mondayMorningMs } from './policies.ts';

const impure = {
  'http.send': 'http.send({"method": "get", "url": "http://127.0.0.1"}).status_code == 200',
  'net.lookup_ip_addr': 'count(net.lookup_ip_addr("localhost")) > 0',
  'opa.runtime': 'opa.runtime().env',
  'rand.intn': 'rand.intn("x", 2) == 1',
  'uuid.rfc4122': 'uuid.rfc4122("x")',
};

/** As `opa build` makes it, which knows nothing of what is refused here. */
async function builtElsewhere(rules: string): Promise<PolicyBundle> {
  const entrypoint = 'test/decision';
  const files = [{ name: 'rules.rego', text: `package test\n${rules}\n` }];
  const { wasm = '', plan = '' } = await runCompiler({ do: 'build', files, entrypoint });
  const bytes = Uint8Array.from(Buffer.from(wasm, 'base64'));
  return makeBundle({ wasm: bytes, plan, data: {}, entrypoint, requiredBuiltins: [] });
}

test('a call of an impure built-in does not compile: its name, the reason and every place are said', async (t) => {
  const rules = `decision := true if {\n${Object.values(impure).join('\n')}\n}`;
  const error = await compileRules(rules).then(
    () => undefined,
    (thrown: unknown) => thrown as PolicyError,
  );
  t.equal(error?.code, 'builtin-refused');
  for (const [index, name] of Object.keys(impure).entries()) {
    const column = name === 'net.lookup_ip_addr' ? 7 : 1;
    const found = error?.diagnostics.find(({ message }) => message.startsWith(`the built-in ${name} is refused: `));
    t.match(found, { file: /rules\.rego$/, line: index + 3, column, code: 'builtin-refused' }, name);
  }
  t.equal(error?.diagnostics.length, 5);
});

test('a rule, a function or an import may have the name of a built-in that is refused', async (t) => {
  const bundle = await compileRules(
    'trace(x) := x\nimport data.http\ndecision if { trace(input.version); not http.send }',
  ).catch((thrown: unknown) => thrown);
  t.match(bundle, { requiredBuiltins: [] });
});

test('a bundle that was built elsewhere and calls impure built-ins is refused when it is loaded', async (t) => {
  const bundle = await builtElsewhere(`decision if {\n${Object.values(impure).join('\n')}\n}`);
  for (const name of Object.keys(impure)) {
    const message = new RegExp(`the built-in ${name.replaceAll('.', '\\.')} is refused: `);
    t.throws(() => wasmEngine(bundle), { code: 'builtin-refused', message }, name);
    t.throws(() => planEngine(bundle), { code: 'builtin-refused', message }, name);
  }
});

test('time.now_ns is the time of the request', async (t) => {
  const engine = wasmEngine(await compileRules(`decision := time.now_ns() == ${mondayMorningMs}000000`));
  t.equal(decide(engine, input()).kind, 'allow');
  const later = { ...facts().request, timeMs: mondayMorningMs + 1 };
  t.equal(decide(engine, input({ request: later })).kind, 'deny');
});

test('a built-in that fails makes its rule undefined, as in OPA', async (t) => {
  const rules = `decision := {"allow": true, "rule": sprintf("%s-%d-%v-%v%%", ["a", 7, 12, true])} if {
    input.portcullis.route.name == "fine"
  } else := {"allow": true, "rule": sprintf("%d", [time.parse_rfc3339_ns("never")])}`;
  const engine = wasmEngine(await compileRules(rules));
  const route = { name: 'fine', template: '/', parameters: new Map<string, string>() };
  t.match(decide(engine, input({ route })), { kind: 'allow', rule: 'a-7-12-true%' });
  t.match(decide(engine, input()), { kind: 'undecided', why: /undefined/ });
});

test('print statements are compiled away: policies must not write to standard output', async (t) => {
  const bundle = await compileRules('decision := true if print("secret", input)');
  t.same(bundle.requiredBuiltins, []);
  t.equal(decide(wasmEngine(bundle), input()).kind, 'allow');
});

// THREATS 1.4: the SDK's own regex.split is JavaScript's RegExp. Here patterns are RE2, inside the module and outside.
test('patterns are linear, and mean the same, in both engines', async (t) => {
  const bundle = await compileRules(`
text := input.portcullis.snapshot
decision := {
	"allow": regex.match(\`^(a+)+$\`, text),
	"reasons": array.concat(regex.split(\`(a+)+b\`, text), regex.find_n(\`(x+x+)+y|a!\`, text, -1)),
	"rule": regex.replace(text, \`(a*)*!\`, "<>"),
}`);
  for (const engine of [wasmEngine(bundle), planEngine(bundle)]) {
    const asked = (snapshotDigest: string) => decide(engine, input({ snapshotDigest }));
    const long = 'a'.repeat(1000);
    t.match(asked(`${long}!`), { kind: 'deny', rule: '<>', reasons: [`${long}!`, 'a!'] });
    t.match(asked('aabcab'), { kind: 'deny', rule: 'aabcab', reasons: ['', 'c', ''] });
    t.match(asked('aa'), { kind: 'allow', reasons: ['aa'] });
  }
});

test('what is not a module of OPA is refused', async (t) => {
  const bundle = await compileRules('decision := true');
  const broken = (wasm: Uint8Array<ArrayBuffer>): PolicyBundle => makeBundle({ ...bundle, wasm });
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  // One import, env.evil, of a function without parameters or results.
  const foreign = [...header, 1, 4, 1, 0x60, 0, 0, 2, 12, 1, 3, 0x65, 0x6e, 0x76, 4, 0x65, 0x76, 0x69, 0x6c, 0, 0];
  const rows = [
    [bundle.wasm.slice(0, bundle.wasm.length - 100), /no WebAssembly module/],
    [new Uint8Array(), /no WebAssembly module/],
    [Uint8Array.from(header), /lacks opa_malloc/],
    [Uint8Array.from(foreign), /imports the function env\.evil/],
  ] as const;
  for (const [wasm, message] of rows) t.throws(() => wasmEngine(broken(wasm)), { code: 'wasm-invalid', message });
});

test('a bundle whose content is not its revision is refused', async (t) => {
  const bundle = await compileRules('decision := true');
  t.doesNotThrow(() => verifyBundle(structuredClone(bundle)));
  const wasm = bundle.wasm.slice();
  wasm[wasm.length - 1] = (wasm[wasm.length - 1] ?? 0) ^ 1;
  for (const change of [{ wasm }, { data: { a: 1 } }, { entrypoint: 'test/other' }, { plan: '{}' }]) {
    t.throws(() => verifyBundle({ ...bundle, ...change }), { code: 'bundle-corrupt' });
  }
});

test('an entrypoint that the module lacks, and data beyond the memory, are refused', async (t) => {
  const bundle = await compileRules('decision := true');
  t.throws(() => wasmEngine(makeBundle({ ...bundle, entrypoint: 'toString' })), { code: 'entrypoint-missing' });
  const data = { list: Array.from({ length: 100_000 }, (_, index) => `item ${index}`) };
  const limits = { maxMemoryBytes: 2 * 1024 * 1024, recycleGrowthBytes: 1 };
  t.throws(() => wasmEngine(makeBundle({ ...bundle, data }), limits), { code: 'policy-too-large' });
  t.throws(() => wasmEngine(bundle, { maxMemoryBytes: 65_536, recycleGrowthBytes: 1 }), { code: 'policy-too-large' });
});
