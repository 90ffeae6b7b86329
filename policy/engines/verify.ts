import { createHash } from 'node:crypto';
import { EvaluationError, type PolicyEngine } from '../engine.ts';
import type { PolicyInput } from '../input.ts';
import { valueText } from '../value/text.ts';
import { RegoDecimal, type Value } from '../value/value.ts';

/** Two engines that should agree and do not. Digests: a result may hold what must not be written to a log. */
export type Difference = {
  readonly requestId: string;
  /** SHA-256 of each engine's result as canonical text, or the word `failed`. */
  readonly decided: string;
  readonly reference: string;
};

export type VerifyOptions = {
  /** Over 0, at most 1: of all requests, how many are compared. */
  readonly share: number;
  /** Whether a request over which the engines differ is refused; without it, the first engine's answer stands. */
  readonly refuse: boolean;
  readonly compared: () => void;
  readonly differed: (difference: Difference) => void;
};

type Outcome = { readonly result: unknown } | { readonly failure: unknown };

/** Decides with the first engine, and has the reference decide a sample of the same requests. */
export function verifiedEngine(first: PolicyEngine, reference: PolicyEngine, options: VerifyOptions): PolicyEngine {
  const { share, refuse, compared, differed } = options;
  const decide = (input: PolicyInput): unknown => {
    const id = requestId(input);
    if (!isSampled(id, share)) return first.decide(input);
    const [decided, expected] = [first, reference].map((engine) => attempt(engine, input)) as [Outcome, Outcome];
    compared();
    const [mine, theirs] = [digestOf(decided), digestOf(expected)];
    if (mine !== theirs) {
      differed({ requestId: id, decided: mine, reference: theirs });
      if (refuse) throw new EvaluationError(`the engines differ: plan ${mine}, wasm ${theirs}`);
    }
    if ('failure' in decided) throw decided.failure;
    return decided.result;
  };
  return Object.freeze({ revision: first.revision, reads: first.reads, decide });
}

function attempt(engine: PolicyEngine, input: PolicyInput): Outcome {
  try {
    return { result: engine.decide(input) };
  } catch (failure) {
    return { failure };
  }
}

/**
 * Ids are random, made by the proxy: nobody outside can choose a request that is not compared. FNV-1a, 32 bits. What has no
 * id is always compared.
 */
function isSampled(id: string, share: number): boolean {
  if (id === '') return true;
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32 < share;
}

function requestId(input: PolicyInput): string {
  const incomplete: { readonly attributes?: { readonly request?: { readonly http?: { readonly id?: unknown } } } } =
    input;
  const id = incomplete.attributes?.request?.http?.id;
  return typeof id === 'string' ? id : '';
}

/** Both engines failing is agreement, whatever each of them has to say about it: nobody is let in. */
function digestOf(outcome: Outcome): string {
  if ('failure' in outcome) return 'failed';
  return `sha256:${createHash('sha256').update(canonicalText(outcome.result)).digest('hex')}`;
}

/** The order of keys does not count. What is not even a value (a cycle, a function) is a text of its own. */
function canonicalText(result: unknown): string {
  try {
    return valueText(roundNumbers(result as Value));
  } catch {
    return 'not a value';
  }
}

/** OPA's WebAssembly keeps eighteen digits of a quotient, so that only what doubles tell can be compared. */
function roundNumbers(value: Value): Value {
  if (typeof value === 'bigint' || value instanceof RegoDecimal) return Number(value);
  if (Array.isArray(value)) return (value as readonly Value[]).map(roundNumbers);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, roundNumbers(part as Value)]));
}
