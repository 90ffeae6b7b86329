import type { BuiltinContext } from '../builtin.ts';

/** Pays for making or searching so much text. */
export function chargeForText({ charge }: BuiltinContext, units: number): void {
  if (units >= 64) charge(Math.ceil(units / 64));
}
