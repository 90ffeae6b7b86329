import { compareValues, equalValues } from '../../policy/value/order.ts';
import { keysOf, member, objectOf } from '../../policy/value/object.ts';
import { setOf } from '../../policy/value/set.ts';
import { valueText } from '../../policy/value/text.ts';
import { isArray, type ObjectValue, type Value } from '../../policy/value/value.ts';
import type { Case } from './cases.ts';

/** What an engine made of a case. */
export type Outcome =
  | { readonly kind: 'results'; readonly results: readonly Value[] }
  | { readonly kind: 'error'; readonly message: string }
  /** A built-in that the engine does not offer. */
  | { readonly kind: 'refused'; readonly message: string };

/** Undefined when the outcome is the wanted one, otherwise what is wrong. */
export function objection(one: Case, outcome: Outcome, strict: boolean): string | undefined {
  if (outcome.kind === 'refused') return outcome.message;
  const { want } = one;
  if (want.kind === 'error') return judgeError(one, want, outcome, strict);
  if (outcome.kind === 'error') return `failed: ${outcome.message}`;
  if (want.kind === 'defined') {
    const defined = outcome.results.length > 0;
    return defined === want.defined ? undefined : `is ${defined ? 'defined' : 'undefined'}`;
  }
  const wanted = setOf(want.results);
  const got = bindings(one, outcome.results);
  return equalValues(wanted, got) ? undefined : `wanted ${valueText(wanted)}, got ${valueText(got)}`;
}

/** As OPA's test of its WebAssembly: what only strict errors show must be undefined where there are none. */
function judgeError(
  one: Case,
  want: { readonly code: string; readonly text: string },
  outcome: Outcome & { readonly kind: 'results' | 'error' },
  strict: boolean,
): string | undefined {
  if (one.strictError && !strict) {
    if (outcome.kind === 'error') return `failed: ${outcome.message}`;
    return outcome.results.length === 0 ? undefined : `wanted no result, got ${valueText(outcome.results)}`;
  }
  if (outcome.kind === 'error') {
    if (want.code !== 'eval_conflict_error') return undefined;
    return /conflict/.test(outcome.message) ? undefined : `wanted a conflict, failed: ${outcome.message}`;
  }
  return `wanted ${want.code} ${want.text}, got ${valueText(outcome.results)}`;
}

/** The results as a set of objects; variables that the compiler made are left out. */
export function bindings({ sortBindings, ignoreGeneratedVars }: Case, results: readonly Value[]): Value {
  return setOf(
    results.map((result) => {
      const object = result as ObjectValue;
      const names = keysOf(object).filter((name) => !isGenerated(name, ignoreGeneratedVars));
      return objectOf(names.map((name) => [name, sorted(member(object, name) as Value, sortBindings)]));
    }),
  );
}

const isGenerated = (name: Value, ignoreLocals: boolean): boolean =>
  typeof name === 'string' && (name.startsWith('^') || (ignoreLocals && name.startsWith('__localq')));

const sorted = (value: Value, wanted: boolean): Value =>
  wanted && isArray(value) ? value.toSorted(compareValues) : value;
