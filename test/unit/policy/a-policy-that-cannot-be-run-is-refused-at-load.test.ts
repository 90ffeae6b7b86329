import { test } from 'tap';
import { makeBundle, type PolicyBundle, verifyBundle } from '../../../policy/bundle/bundle.ts';
import { decide } from '../../../policy/decision.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import { compileRules, facts, input, mondayMorningMs } from './policies.ts';

test('impure built-ins are refused by name, reason and place', async (t) => {
  const calls = {
    'http.send': 'http.send({"method": "get", "url": "http://127.0.0.1"}).status_code == 200',
    'net.lookup_ip_addr': 'count(net.lookup_ip_addr("localhost")) > 0',
    'opa.runtime': 'opa.runtime().env',
    'rand.intn': 'rand.intn("x", 2) == 1',
    'uuid.rfc4122': 'uuid.rfc4122("x")',
  };
  const bundle = await compileRules(`decision := true if {\n${Object.values(calls).join('\n')}\n}`);
  for (const name of Object.keys(calls)) {
    const message = new RegExp(`rules\\.rego:\\d+: the built-in ${name.replaceAll('.', '\\.')} is refused: `);
    t.throws(() => wasmEngine(bundle), { code: 'builtin-refused', message }, name);
  }
});

// npm-opa-wasm runs regex.split on JavaScript's RegExp, which backtracks: (a+)+$ on a long string never ends.
test('built-ins that the engine lacks are refused by name and place, regex.split among them', async (t) => {
  const rules = 'decision := count(regex.split(`(a+)+$`, input.x)) > 0\nother := units.parse("1k")';
  const bundle = await compileRules(rules);
  const message = /rules\.rego:2: the built-in regex\.split is not offered by this engine$/;
  t.throws(() => wasmEngine(bundle), { code: 'builtin-refused', message });
});

test('a bundle cannot hide the built-ins that its module needs', async (t) => {
  const bundle = await compileRules('decision := rand.intn("x", 2) == 1');
  const lying = makeBundle({ ...bundle, requiredBuiltins: [] });
  t.throws(() => wasmEngine(lying), { code: 'builtin-refused', message: /rand\.intn/ });
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
  } else := {"allow": true, "rule": sprintf("%5.2f", [1.5])}`;
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

test('regex.match is linear: it is RE2 inside the module', async (t) => {
  const engine = wasmEngine(await compileRules('decision := regex.match(`^(a+)+$`, input.portcullis.snapshot)'));
  t.equal(decide(engine, input({ snapshotDigest: `${'a'.repeat(5000)}!` })).kind, 'deny');
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
    [Uint8Array.from(foreign), /imports env\.evil/],
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
