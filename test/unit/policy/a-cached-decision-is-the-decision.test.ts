import fc from 'fast-check';
import { test } from 'tap';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import type { PolicyEngine } from '../../../policy/engine.ts';
import { cachedEngine, maxKeyBytes } from '../../../policy/engines/decision-cache.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings } from '../../../policy/engines/settings.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { RegoDecimal } from '../../../policy/value/value.ts';
import { compileRules } from './policies.ts';

const limits = { maxEntries: 100, maxBytes: 1024 * 1024 };
const bundle = { requiredBuiltins: [] } as unknown as PolicyBundle;
const asInput = (value: unknown) => value as PolicyInput;

/** Says what it was asked, so that whoever gets another's decision can tell. */
function echo() {
  let asked = 0;
  const decide = (input: unknown) => {
    asked += 1;
    if (input === 'fails') throw new Error('it failed');
    return [{ result: { input, asked } }];
  };
  const engine: PolicyEngine = { revision: 'r', decide };
  return { engine, asked: () => asked };
}

function cached(engine: PolicyEngine, changes: Partial<typeof limits> = {}, forBundle = bundle) {
  const outcomes: string[] = [];
  const decide = cachedEngine(engine, forBundle, { ...limits, ...changes }, (outcome) => outcomes.push(outcome)).decide;
  return { ask: (value: unknown) => decide(asInput(value)), outcomes };
}

/** CVE-2026-35039 (fast-jwt): two tokens with one cache key, and the one was given the other's identity. */
test('no two inputs share a decision', (t) => {
  const lookAlikes: readonly unknown[] = [
    { a: 'b', c: 'd' },
    { a: 'b","c":"d' },
    { a: 'b' },
    { 'a":"b': 1 },
    ['a', 'b'],
    ['a,b'],
    ['a","b'],
    '1',
    1,
    null,
    'null',
    [],
    {},
    '',
    'a\u0000b',
    'a\\u0000b',
    '\ud800',
    '\\ud800',
    'é',
    'e\u0301',
    JSON.parse('{"__proto__":{"a":1}}'),
    { a: 1 },
    0,
    0.1,
    '0.1',
    true,
    'true',
  ];
  const { engine } = echo();
  const { ask } = cached(engine);
  for (const round of ['first', 'second']) {
    for (const value of lookAlikes)
      t.strictSame((ask(value) as [{ result: { input: unknown } }])[0].result.input, value, round);
  }
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 2, maxLength: 8 }), (values) => {
      const own = cached(echo().engine);
      for (const value of [...values, ...values]) {
        const [{ result }] = own.ask(value) as [{ result: { input: unknown } }];
        t.strictSame(JSON.stringify(result.input), JSON.stringify(value));
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});

test('a hit gives the same result, frozen, and asks nobody', (t) => {
  const { engine, asked } = echo();
  const { ask, outcomes } = cached(engine);
  const first = ask({ a: [1] });
  t.strictSame(ask({ a: [1] }), first);
  t.equal(asked(), 1);
  t.strictSame(outcomes, ['miss', 'hit']);
  t.throws(
    () => Object.assign((first as [object])[0], { result: true }),
    TypeError,
    'nobody can change it for the next',
  );
  t.end();
});

test('an evaluation that failed is tried again', (t) => {
  const { engine, asked } = echo();
  const { ask, outcomes } = cached(engine);
  t.throws(() => ask('fails'), { message: 'it failed' });
  t.throws(() => ask('fails'), { message: 'it failed' });
  t.equal(asked(), 2);
  t.strictSame(outcomes, ['miss', 'miss']);
  t.end();
});

test('it holds so many entries and so many bytes; what was used last stays', (t) => {
  const few = cached(echo().engine, { maxEntries: 2 });
  for (const value of ['a', 'b', 'a', 'c', 'a', 'b']) few.ask(value);
  t.strictSame(few.outcomes, ['miss', 'miss', 'hit', 'miss', 'hit', 'miss']);
  const small = cached(echo().engine, { maxBytes: 8192 });
  const long = (letter: string) => letter.repeat(1000);
  // Key and result hold the text once each, two bytes a character: two of them do not fit.
  for (const value of [long('a'), long('a'), long('b'), long('b'), long('a')]) small.ask(value);
  t.strictSame(small.outcomes, ['miss', 'hit', 'miss', 'hit', 'miss']);
  t.end();
});

test('what is too long or no JSON is decided each time', (t) => {
  const { engine, asked } = echo();
  const { ask } = cached(engine);
  for (const value of ['x'.repeat(maxKeyBytes), { big: 2n ** 60n }, { big: new RegoDecimal('1e400') }]) {
    ask(value);
    ask(value);
  }
  t.equal(asked(), 6);
  t.end();
});

/** A token that was valid when its decision was kept has expired a second later. */
const timed = [
  'time.now_ns',
  'io.jwt.decode_verify',
  'crypto.x509.parse_and_verify_certificates',
  'crypto.x509.parse_and_verify_certificates_with_options',
];

test('the time of the request counts when the policy asks for it', (t) => {
  const at = (unix_ms: number) => ({ portcullis: { time: { unix_ms } } });
  const outcomes = (names: readonly string[]) => {
    const seen: string[] = [];
    const requiredBuiltins = names.map((name) => ({ name, where: '' }));
    const forBundle = { inputPaths: [['nothing']], requiredBuiltins } as unknown as PolicyBundle;
    const engine = cachedEngine(echo().engine, forBundle, limits, (outcome) => seen.push(outcome));
    for (const ms of [1, 2, 1]) engine.decide(asInput(at(ms)));
    return seen;
  };
  for (const name of timed) t.strictSame(outcomes(['count', name]), ['miss', 'miss', 'hit'], name);
  t.strictSame(outcomes([]), ['miss', 'hit', 'hit']);
  t.strictSame(outcomes(['io.jwt.decode', 'time.clock']), ['miss', 'hit', 'hit']);
  t.end();
});

test('an answer that was kept unseen is compared all the same', async (t) => {
  const [right, wrong] = await Promise.all(['input.a == 1', 'true'].map((body) => compileRules(`decision if ${body}`)));
  const differences: string[] = [];
  const nothing = () => undefined;
  const events = {
    wasm: { enter: nothing, leave: nothing },
    compared: nothing,
    differed: ({ requestId }: { requestId: string }) => differences.push(requestId),
    cache: nothing,
  };
  const engine = await openEngine(
    { ...(right as PolicyBundle), plan: (wrong as PolicyBundle).plan },
    { ...defaultSettings, engine: 'verify', verify: { share: 0.5, refuse: true }, cache: limits },
    { events },
  );
  const ids = Array.from({ length: 100 }, (_, index) => `request-${index * 7919}`);
  const outcomes = ids.map((id) => {
    try {
      engine.decide(asInput({ attributes: { request: { http: { id } } }, a: 2 }));
      return 'decided';
    } catch {
      return 'refused';
    }
  });
  const refused = outcomes.filter((outcome) => outcome === 'refused').length;
  t.equal(differences.length, refused);
  t.ok(refused > 25 && refused < 75, `${refused} of 100`);
  t.ok(outcomes.indexOf('decided') < outcomes.lastIndexOf('refused'), 'refused with an answer in the cache');
});

test('what the policy cannot read does not count', (t) => {
  const seen: string[] = [];
  const reads = { requiredBuiltins: [], inputPaths: [['a', 'b'], ['c']] } as unknown as PolicyBundle;
  const engine = cachedEngine(echo().engine, reads, limits, (outcome) => seen.push(outcome));
  const inputs = [
    { a: { b: 1, id: 1 }, c: 1, id: 1 },
    { a: { b: 1, id: 2 }, c: 1, id: 2 },
    { a: { b: 2 }, c: 1 },
    { a: { b: 1 }, c: '1' },
  ];
  for (const value of inputs) engine.decide(asInput(value));
  t.strictSame(seen, ['miss', 'hit', 'miss', 'miss']);
  t.end();
});

test('with a real policy, cached and uncached agree on every input', async (t) => {
  const compiled = await compileRules(
    'decision := {"allow": input.a == input.b, "reasons": [x | x := input.list[_]; is_string(x)]}',
  );
  const settings = { ...defaultSettings, engine: 'wasm' } as const;
  const plain = await openEngine(compiled, settings);
  const kept = await openEngine(compiled, { ...settings, cache: { maxEntries: 8, maxBytes: 64 * 1024 } });
  const small = fc.constantFrom(0, 1, '0', 'a', null, [0]);
  fc.assert(
    fc.property(fc.record({ a: small, b: small, list: fc.array(small, { maxLength: 3 }) }), (value) => {
      for (let i = 0; i < 2; i += 1) t.strictSame(kept.decide(asInput(value)), plain.decide(asInput(value)));
    }),
    { numRuns: 150 },
  );
});

test('what an answer shares with its input can be changed by nobody, either', async (t) => {
  const compiled = await compileRules('decision := {"allow": input.list == ["a"], "seen": {"list": input.list}}');
  const engine = await openEngine(compiled, { ...defaultSettings, cache: { maxEntries: 8, maxBytes: 64 * 1024 } });
  const list = ['a'];
  const expected = [{ result: { allow: true, seen: { list: ['a'] } } }];
  t.strictSame(engine.decide(asInput({ list })), expected);
  t.throws(() => list.push('b'), TypeError);
  t.strictSame(engine.decide(asInput({ list: ['a'] })), expected);
});
