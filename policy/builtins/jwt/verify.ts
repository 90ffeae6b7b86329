import type { BuiltinContext } from '../builtin.ts';
import { type Algorithm, isSignedBy } from './algorithm.ts';
import type { VerificationKey } from './keys.ts';
import type { JoseHeader, Token } from './token.ts';

/**
 * Whether one of the keys signed the token: the key that the token names, if it is among them, else any. A key that is
 * for one algorithm is used for no other (RFC 8725 section 3.1), even where the token names it.
 */
export function isSignedByOne(
  context: BuiltinContext,
  { signed, signature }: Token,
  { alg, kid }: JoseHeader,
  algorithm: Algorithm,
  keys: readonly VerificationKey[],
): boolean {
  const named = kid === '' ? undefined : keys.find((key) => key.kid === kid);
  return (named === undefined ? keys : [named])
    .filter((key) => key.alg === '' || key.alg === alg)
    .some(({ key }) => isSignedBy(context, algorithm, key, signed, signature));
}
