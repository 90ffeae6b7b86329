import { test } from 'tap';
import { decide } from '../../../policy/decision.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { readStrictJson } from '../../../policy/json/strict-json.ts';
import { compileRules, input, validated } from './policies.ts';

const asked = (w: string) => ({ w, has: Object.fromEntries([[w, true]]) }) as unknown as PolicyInput;

// OPA's WebAssembly is C, where a text may end at a NUL: `admin\0` must not be `admin` to either engine.
test('a text with a NUL is itself, whole, and no other, in both engines', async (t) => {
  const rules = `
literal := "a\\u0000b"
decision := {
	"is": [x | some x in ["a", "a\\u0000", "a\\u0000b", "a\\u0000c", "\\u0000"]; x == input.w],
	"has": [x | some x in ["a", "a\\u0000b", "\\u0000"]; input.has[x]],
	"data": [1 | data.names[input.w]],
	"member": input.w in {"a", "a\\u0000b"},
	"prefix": startswith(input.w, "a\\u0000"),
	"length": count(input.w),
	"joined": concat(input.w, ["<", ">"]),
	"shown": sprintf("%s|%v", [input.w, [input.w]]),
	"parts": split(input.w, "\\u0000"),
	"as_json": json.unmarshal(json.marshal(input.w)) == input.w,
	"of_policy": [literal, count(literal)],
}`;
  const bundle = await compileRules(rules, 'test/decision', JSON.stringify({ names: { a: 1, 'a\0b': 1 } }));
  const [plan, wasm] = [planEngine(bundle), wasmEngine(bundle)];
  for (const word of ['a', 'a\0', 'a\0b', 'a\0c', '\0', '\0a', 'ab', 'a\\u0000b']) {
    const answer = plan.decide(asked(word));
    t.same(answer, wasm.decide(asked(word)), JSON.stringify(word));
    t.match(answer, [{ result: { length: word.length, joined: `<${word}>`, of_policy: ['a\0b', 3], as_json: true } }]);
  }
  t.match(plan.decide(asked('a\0b')), [
    { result: { is: ['a\0b'], has: ['a\0b'], data: [1], member: true, prefix: true } },
  ]);
});

const halves = ['\ud800', '\udc00', 'x\udfff', '\ud800x', '\udc00\ud800', '\ud800\ud800', '\ud83d\ude00\ud83d'];

test('half a character does not come in: strict JSON refuses it', (t) => {
  for (const word of halves) {
    const reading = readStrictJson(Buffer.from(JSON.stringify([word])), { maxDepth: 4 });
    t.match(reading, { ok: false, problem: { code: 'lone-surrogate' } });
  }
  t.end();
});

// The one text about which they are known to differ: UTF-8 has no such text, so the module cannot be given one.
test('if one came in, wasm would be undecided, and for the plan it would be equal to itself alone', async (t) => {
  const bundle = await compileRules(
    'decision := input.parsed_body.w in {"x", "\\ufffd", "\\ufffd\\ufffd"} if count(input.parsed_body) > 0',
  );
  const [plan, wasm] = [planEngine(bundle), wasmEngine(bundle)];
  const large = 2n ** 60n;
  for (const word of halves) {
    for (const value of [{ w: word }, { [word]: 1, w: 'x' }, { w: word, large }]) {
      const document = input({ body: { ...validated({}), value } });
      t.match(decide(wasm, document), { kind: 'undecided', why: /half a character/ }, JSON.stringify(word));
      t.equal(decide(plan, document).kind, value.w === 'x' ? 'allow' : 'deny');
    }
  }
  for (const w of ['\\ud800', '\\\\ud800', '😀', '\\ud83d\\ude00', '\\"\\udc00']) {
    const document = input({ body: { ...validated({}), value: { w, [w]: w } } });
    for (const engine of [plan, wasm])
      t.equal(decide(engine, document).kind, 'deny', 'whole characters that look like it');
  }
});
