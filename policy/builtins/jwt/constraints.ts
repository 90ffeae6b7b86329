import { compareNumbers, sortedEntries } from '../../value/order.ts';
import { member } from '../../value/object.ts';
import { isArray, isNumber, type NumberValue, type ObjectValue, type Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { readVerificationKeys, type VerificationKey } from './keys.ts';
import { secretOf } from './secret.ts';
import { textMember } from './text-member.ts';

/** What `io.jwt.decode_verify` is told to insist on; empty text is no wish. */
export type Constraints = {
  readonly keys: readonly VerificationKey[];
  readonly alg: string;
  readonly iss: string;
  readonly aud: string;
  /** Seconds since the epoch. */
  readonly time: number;
};

const known = new Set(['cert', 'secret', 'alg', 'iss', 'aud', 'time']);

/** Throws BuiltinError for a constraint that is unknown: it would not be held. */
export function readConstraints(context: BuiltinContext, constraints: ObjectValue): Constraints {
  for (const [name] of sortedEntries(constraints)) {
    if (typeof name !== 'string' || !known.has(name)) throw new BuiltinError('unknown token validation constraint');
  }
  return {
    keys: keysIn(context, constraints),
    alg: textMember(constraints, 'alg', ' constraint'),
    iss: textMember(constraints, 'iss', ' constraint'),
    aud: textMember(constraints, 'aud', ' constraint'),
    time: timeIn(context, constraints),
  };
}

function keysIn(context: BuiltinContext, constraints: ObjectValue): readonly VerificationKey[] {
  const secret = textMember(constraints, 'secret', ' constraint');
  if (member(constraints, 'cert') !== undefined) {
    if (secret !== '') throw new BuiltinError('duplicate key constraints');
    return readVerificationKeys(context, textMember(constraints, 'cert', ' constraint'));
  }
  if (secret === '') throw new BuiltinError('no key constraint');
  const key = secretOf(secret);
  return key === undefined ? [] : [{ key, kid: '', alg: '', isPrivate: false }];
}

/** The time to judge by is that of the request, unless the policy names one in nanoseconds. */
function timeIn({ unixMs }: BuiltinContext, constraints: ObjectValue): number {
  const time = member(constraints, 'time');
  if (time === undefined) {
    if (unixMs === undefined) throw new BuiltinError('no time to judge the token by');
    return unixMs / 1000;
  }
  if (!isTime(time)) throw new BuiltinError('token time constraint: must be a number');
  if (Number(time) < 0) throw new BuiltinError('token time constraint: must not be negative');
  return Number(time) / 1e9;
}

/** RFC 7519 sections 4.1.1 and 4.1.3 to 4.1.5. Throws BuiltinError for a time that is no number. */
export function meets(claims: ObjectValue, { iss, aud, time }: Constraints): boolean {
  if (iss !== '' && member(claims, 'iss') !== iss) return false;
  // A token for an audience is refused unless that audience is asked for: it was meant for somebody else.
  if (!isFor(member(claims, 'aud'), aud)) return false;
  const [exp, nbf] = [timeClaim(claims, 'exp'), timeClaim(claims, 'nbf')];
  if (exp !== undefined && compareNumbers(time, exp) >= 0) return false;
  return nbf === undefined || compareNumbers(time, nbf) >= 0;
}

function isFor(claim: Value | undefined, audience: string): boolean {
  if (claim === undefined) return audience === '';
  return claim === audience || (isArray(claim) && claim.includes(audience));
}

/** A token until 1e400 would be valid for ever to us, and not at all to a reader that takes it for infinity, or for 0. */
const isTime = (value: Value): value is NumberValue => isNumber(value) && Number.isFinite(Number(value));

function timeClaim(claims: ObjectValue, name: string): NumberValue | undefined {
  const value = member(claims, name);
  if (value === undefined || isTime(value)) return value;
  throw new BuiltinError(`${name} value must be a number`);
}
