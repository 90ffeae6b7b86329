import { PolicyError } from '../../errors.ts';
import type { BuiltinShape } from './ir.ts';

/** What the statements of a plan may refer to. */
export type Known = {
  readonly strings: readonly string[];
  readonly files: readonly string[];
  readonly builtins: ReadonlyMap<string, BuiltinShape>;
  /** Parameters of each function. */
  readonly arities: ReadonlyMap<string, number>;
};

/** Locals are numbered from 0 and reused; the largest real plans have a few hundred. */
export const maxLocal = 1_000_000;

export function fail(problem: string): never {
  throw new PolicyError('plan-invalid', `the plan is not one that OPA made: ${problem}`);
}

export function fields(raw: unknown, where: string): { readonly [name: string]: unknown } {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) fail(`${where} is no object`);
  return raw as { readonly [name: string]: unknown };
}

export function items(raw: unknown, where: string): readonly unknown[] {
  return Array.isArray(raw) ? (raw as readonly unknown[]) : fail(`${where} is no array`);
}

/** Go writes null for a slice that was never made. */
export const optionalItems = (raw: unknown, where: string): readonly unknown[] =>
  raw === undefined || raw === null ? [] : items(raw, where);

export function text(raw: unknown, where: string): string {
  return typeof raw === 'string' ? raw : fail(`${where} is no string`);
}

export function integerIn(raw: unknown, where: string, low = 0, high = maxLocal): number {
  if (typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= low && raw <= high) return raw;
  const found = typeof raw === 'number' ? String(raw) : typeof raw;
  return fail(`${where} is ${found}, not an integer from ${low} to ${high}`);
}

export function at<T>(list: readonly T[], raw: unknown, where: string): T {
  return list[integerIn(raw, where, 0, list.length - 1)] as T;
}
