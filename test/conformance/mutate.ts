/** Draws from a seed, so that a failure can be repeated. */
export type Random = { readonly below: (n: number) => number };

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  // Mulberry32: short, and good enough to spread over the shapes below.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (n) => Math.floor(next() * n) };
}

/** What policies stumble over: every type, and the texts and numbers that mean something to somebody. */
const strangers: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e21,
  2 ** 53 - 1,
  -(2 ** 31),
  '',
  ' ',
  'GET',
  'admin',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\u2028"\\${}*/',
  '\u{1f600}',
  '\ufffd',
  'a'.repeat(300),
  [],
  [[]],
  ['GET', 1, null],
  {},
  { '': '' },
  JSON.parse('{"__proto__": {"allow": true}, "constructor": 1}'),
  { a: { b: { c: [1, 2, { d: null }] } } },
];

/** The document with one to four of its places replaced, removed, doubled or exchanged. */
export function mutate(document: unknown, random: Random): unknown {
  let mutated = structuredClone(document);
  for (let n = random.below(4); n >= 0; n--) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.below(12) === 0) return replacement(value, random);
  if (Array.isArray(value)) return mutateArray(value, random);
  const names = Object.keys(value);
  const name = names[random.below(names.length)];
  if (name === undefined) return replacement(value, random);
  const entries = Object.entries(value).flatMap(([key, part]): [string, unknown][] => {
    if (key !== name) return [[key, part]];
    if (random.below(8) === 0) return [];
    return [[key, mutateOnce(part, random)]];
  });
  // fromEntries and not assignment: a key may be `__proto__`.
  return Object.fromEntries(entries);
}

function mutateArray(items: readonly unknown[], random: Random): unknown {
  const at = random.below(items.length + 1);
  const item = items[at];
  switch (random.below(4)) {
    case 0:
      return items.toSpliced(at, 1);
    case 1:
      return [...items, ...items.slice(at)];
    case 2:
      return items.toReversed();
    default:
      return items.toSpliced(at, 1, mutateOnce(item ?? null, random));
  }
}

function replacement(value: unknown, random: Random): unknown {
  if (typeof value === 'number' && random.below(2) === 0) return value + random.below(5) - 2;
  // Well-formed: half a surrogate pair is no JSON text, which OPA's parser in WebAssembly refuses.
  if (typeof value === 'string' && random.below(2) === 0) {
    return value.slice(0, random.below(value.length + 1)).toWellFormed();
  }
  return structuredClone(strangers[random.below(strangers.length)]);
}
