import { member } from '../../value/object.ts';
import type { ObjectValue } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';

/** A member that is text, or '' when there is none. Throws BuiltinError for null, which is not the same as none. */
export function textMember(object: ObjectValue, name: string, what: string): string {
  const value = member(object, name);
  if (value === undefined || typeof value === 'string') return value ?? '';
  throw new BuiltinError(`${name}${what}: must be a string`);
}
