import { once } from 'node:events';
import { test } from 'tap';
import { Worker } from 'node:worker_threads';
import type { EngineName } from '../../../policy/engines/settings.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import type { Answers, Questions } from './decide-in-a-thread.ts';
import { compileRules } from './policies.ts';

const entry = new URL('./decide-in-a-thread.ts', import.meta.url);

/** What could come out in another order, or depend on the moment: sets, comprehensions, floats, the time, a signature. */
const rules = `
decision := {
	"allow": input.n > 1,
	"rule": sprintf("%v %v", [found, 0.1 + input.n]),
	"reasons": [sprintf("%s=%v", [k, v]) | some k, v in input.tags],
	"obligations": [{"at": time.now_ns(), "day": time.weekday(time.now_ns()), "hash": crypto.sha256(json.marshal(input))}],
	"signed": io.jwt.encode_sign({"alg": "HS256"}, {"n": input.n, "s": found}, {"kty": "oct", "k": "c2VjcmV0"}),
	"grouped": {k: v | some k in found; v := count([1 | some x in input.list; x == k])},
	"numbers": [sum(input.list), product(input.list), round(input.n)],
}

found contains x if some x in input.list
found contains y if some y in data.list
`;

const input = (seed: number) =>
  ({
    n: seed * 1.1,
    tags: Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`t${(index * 7 + seed) % 11}`, index])),
    list: Array.from({ length: 12 }, (_, index) => (index * seed) % 7),
    portcullis: { time: { unix_ms: 1_700_000_000_000 + seed } },
  }) as unknown as PolicyInput;

async function answers(questions: Questions): Promise<Answers> {
  const worker = new Worker(entry, { workerData: questions });
  const [given] = (await once(worker, 'message')) as [Answers];
  await worker.terminate();
  return given;
}

// THREATS 1.4: what depends on chance, on the clock or on the thread cannot be held against anybody afterwards.
test('asked a thousand times, in two threads, either engine has one answer', async (t) => {
  const bundle = await compileRules(rules, 'test/decision', '{"list":["b","a",3,null,true,{"k":[1]}]}');
  const inputs = [1, 2, 3, 5].map(input);
  for (const engine of ['plan', 'wasm'] as const satisfies readonly EngineName[]) {
    const questions: Questions = { bundle, engine, inputs, rounds: 250 };
    const [one, other] = await Promise.all([answers(questions), answers(questions)]);
    t.ok(
      one.every(({ length }) => length === 1),
      `${engine}: each of a thousand answers is the first one`,
    );
    t.same(one, other, `${engine}: both threads`);
    t.equal(new Set(one.flat()).size, inputs.length, 'another input has another one');
  }
});
