import { readsTime } from '../builtins/capabilities.ts';
import type { PolicyBundle } from '../bundle/bundle.ts';
import type { PolicyEngine } from '../engine.ts';
import type { PolicyInput } from '../input.ts';
import { projection } from './projection.ts';
import { requestTime } from './request-time.ts';

export type CacheLimits = {
  readonly maxEntries: number;
  /** Of keys and results together, as text. */
  readonly maxBytes: number;
};

/** What is kept of one decision: the raw result, frozen, and what it counts for. */
type Kept = { readonly result: unknown; readonly bytes: number };

/** A longer key belongs to an input with a large body, which is hardly ever asked for twice. */
export const maxKeyBytes = 16 * 1024;
/** A JavaScript string takes up to two bytes for each character. */
const bytesPerCharacter = 2;
/** An entry of a Map, two strings and a result, roughly. */
const entryOverheadBytes = 256;

/**
 * Puts a cache in front of an engine. The key is the whole input that the policy can read, as text, and never a digest or a
 * part of it: two inputs that shared a key would be given each other's decision (CVE-2026-35039). The revision is a part of
 * the key by construction: a cache belongs to one engine, which belongs to one revision. An evaluation that failed is not
 * kept, so that it is tried again.
 */
export function cachedEngine(
  engine: PolicyEngine,
  bundle: PolicyBundle,
  limits: CacheLimits,
  asked: (outcome: 'hit' | 'miss') => void,
): PolicyEngine {
  const kept = boundedMap(limits);
  // Not `wholeText`: it writes an integer beyond 2^53 exactly, and a double beside it may have the same digits.
  const project = projection(bundle.inputPaths, JSON.stringify);
  // A token or a certificate that was valid a while ago may not be any more: not only `time.now_ns` has a time.
  const isTimed = bundle.requiredBuiltins.some(({ name }) => readsTime(name));
  const decide = (input: PolicyInput): unknown => {
    const key = keyOf(() => project(input), isTimed ? requestTime(input) : undefined);
    const found = key === undefined ? undefined : kept.get(key);
    asked(found === undefined ? 'miss' : 'hit');
    if (found !== undefined) return found.result;
    const result = engine.decide(input);
    if (key !== undefined) kept.set(key, result);
    return result;
  };
  return Object.freeze({ ...engine, decide });
}

/**
 * JSON text tells any two JSON values apart; those that differ only in the order of their keys get two entries, which is
 * safe. Undefined: not to be cached.
 */
function keyOf(project: () => string, unixMs: number | undefined): string | undefined {
  try {
    const key = `${unixMs ?? ''} ${project()}`;
    return key.length > maxKeyBytes ? undefined : key;
  } catch {
    // A bigint, for one: an integer beyond 2^53 in a body.
    return undefined;
  }
}

/** Least recently used first: a Map keeps the order of insertion. */
function boundedMap({ maxEntries, maxBytes }: CacheLimits) {
  const entries = new Map<string, Kept>();
  let bytes = 0;
  const forget = (key: string, entry: Kept) => {
    entries.delete(key);
    bytes -= entry.bytes;
  };
  return {
    get: (key: string): Kept | undefined => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry;
    },
    set: (key: string, result: unknown): void => {
      const size = sizeOf(key, result);
      if (size === undefined || size > maxBytes) return;
      entries.set(key, { result: freezeJson(result), bytes: size });
      bytes += size;
      for (const [oldest, entry] of entries) {
        if (entries.size <= maxEntries && bytes <= maxBytes) return;
        forget(oldest, entry);
      }
    },
  };
}

function sizeOf(key: string, result: unknown): number | undefined {
  try {
    const characters = key.length + ((JSON.stringify(result) as string | undefined) ?? '').length;
    return characters * bytesPerCharacter + entryOverheadBytes;
  } catch {
    // Cyclic, or with a bigint: no engine of ours gives one that a decision could be read from.
    return undefined;
  }
}

/** Many requests will read the one result. Parts of it may lie in the input it was made from, which nobody changes after this. */
function freezeJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freezeJson(part);
  return Object.freeze(value);
}
