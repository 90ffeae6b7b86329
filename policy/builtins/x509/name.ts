import { insert } from '../../value/object.ts';
import type { ObjectValue, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { type Der, oidOf, tags, wanted } from './der.ts';
import { stringOf } from './text.ts';

/** RFC 5280 appendix A.1, by the names that Go gives them. */
const lists = new Map([
  ['2.5.4.6', 'Country'],
  ['2.5.4.10', 'Organization'],
  ['2.5.4.11', 'OrganizationalUnit'],
  ['2.5.4.7', 'Locality'],
  ['2.5.4.8', 'Province'],
  ['2.5.4.9', 'StreetAddress'],
  ['2.5.4.17', 'PostalCode'],
]);
const texts = new Map([
  ['2.5.4.5', 'SerialNumber'],
  ['2.5.4.3', 'CommonName'],
]);

/** A distinguished name as Go's pkix.Name is written in JSON. Throws BuiltinError. */
export function nameValue(name: Der): ObjectValue {
  const attributes = wanted(name, tags.sequence, 'name').children.flatMap((set) =>
    wanted(set, tags.set, 'name').children.map(attributeOf),
  );
  let value: ObjectValue = { ExtraNames: null };
  for (const [oid, field] of lists) value = insert(value, field, orNull(textsOf(attributes, oid)));
  // Of several the last counts.
  for (const [oid, field] of texts) value = insert(value, field, textsOf(attributes, oid).at(-1) ?? '');
  return insert(value, 'Names', orNull(attributes.map(({ oid, text }) => ({ Type: oidValue(oid), Value: text }))));
}

type Attribute = { readonly oid: string; readonly text: string };

function attributeOf(attribute: Der): Attribute {
  const [type, value] = wanted(attribute, tags.sequence, 'name attribute').children;
  if (value === undefined) throw new BuiltinError('malformed name attribute');
  return { oid: oidOf(type, 'name attribute'), text: stringOf(value) };
}

const textsOf = (attributes: readonly Attribute[], wantedOid: string): string[] =>
  attributes.filter(({ oid }) => oid === wantedOid).map(({ text }) => text);

/** Go writes an object identifier as its numbers. */
export const oidValue = (oid: string): Value => oid.split('.').map(Number);

/** A list that nothing was added to is nil in Go. */
export const orNull = <T extends Value>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);
