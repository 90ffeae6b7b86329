import type { KeyObject } from 'node:crypto';

/** Steps for one signature check with a key on these curves, by what was measured. */
const curves: ReadonlyMap<string | undefined, number> = new Map([
  ['prime256v1', 1500],
  ['secp384r1', 6000],
  ['secp521r1', 9000],
]);
const eddsaSteps = 2000;

/** Undefined for a key of a kind that is not checked here, or that is too small to trust or too large to afford. */
export function checkSteps({ asymmetricKeyType: type, asymmetricKeyDetails = {} }: KeyObject): number | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = asymmetricKeyDetails;
  if (type === 'ec') return curves.get(namedCurve);
  if (type === 'ed25519') return eddsaSteps;
  // Go's own bounds: a modulus of 1,024 bits at least, an exponent of 31 at most (it decides what a check costs).
  if (type !== 'rsa' || modulusLength < 1024 || modulusLength > 16_384 || publicExponent >= 2n ** 31n) return undefined;
  return Math.ceil((modulusLength / 1024) ** 2 * 120);
}
