import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings } from '../../../policy/engines/settings.ts';
import { compileRules, input, validated } from './policies.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const mebibyte = 1024 * 1024;

/** Every memory of WebAssembly that is made while the test runs. */
function watchMemories() {
  const { Memory } = WebAssembly;
  const made: WeakRef<WebAssembly.Memory>[] = [];
  WebAssembly.Memory = class extends Memory {
    constructor(...descriptor: ConstructorParameters<typeof Memory>) {
      super(...descriptor);
      made.push(new WeakRef(this));
    }
  };
  const heldBytes = async () => {
    // Whatever was dereferenced stays alive until the current job has ended.
    await new Promise(setImmediate);
    collectGarbage();
    return made.reduce((sum, ref) => sum + (ref.deref()?.buffer.byteLength ?? 0), 0);
  };
  return { heldBytes, made, restore: () => void (WebAssembly.Memory = Memory) };
}

const rules = 'decision := count(input.parsed_body.items) >= 0';
const large = (bytes: number) =>
  input({ body: { ...validated({}), value: { items: Array.from({ length: bytes / 8 }, (_, n) => 1e6 + n) } } });

// npm-opa-wasm issues 28, 91 and 143; THREATS 1.7: one input of 5 MB kept 104 MB for good.
test('wasm: an instance that has grown is replaced, and is collected', async (t) => {
  const bundle = await compileRules(rules);
  const memories = watchMemories();
  t.teardown(memories.restore);
  const { decide } = await openEngine(bundle, { ...defaultSettings, engine: 'wasm' });
  const atFirst = await memories.heldBytes();
  decide(large(5 * mebibyte));
  t.equal(memories.made.length, 1);
  decide(input());
  t.equal(memories.made.length, 2, 'the next input finds a fresh one');
  t.equal(await memories.heldBytes(), atFirst);
  for (let round = 0; round < 200; round++) decide(large(128 * 1024));
  t.ok(
    (await memories.heldBytes()) < atFirst + 24 * mebibyte,
    'and many of 128 kB stay below what makes it be replaced',
  );
});

test('plan: nothing is left of an input', async (t) => {
  const { decide } = await openEngine(await compileRules(rules), { ...defaultSettings, engine: 'plan' });
  const held = async () => {
    await new Promise(setImmediate);
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  decide(input());
  const atFirst = await held();
  decide(large(5 * mebibyte));
  for (let round = 0; round < 200; round++) decide(large(128 * 1024));
  t.ok((await held()) < atFirst + 4 * mebibyte);
});
