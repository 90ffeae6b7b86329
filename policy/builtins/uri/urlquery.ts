import { insert, member } from '../../value/object.ts';
import { compareStrings, sortedEntries, sortedMembers } from '../../value/order.ts';
import { jsonText } from '../../value/text.ts';
import { isArray, type ObjectValue, RegoSet, type Value } from '../../value/value.ts';
import { BuiltinError, type Builtins } from '../builtin.ts';
import { mismatch, object, text } from '../operands.ts';
import { percentDecode, percentEncode } from './percent-encoding.ts';

/** As Go's `net/url` since CVE-2025-61726: a parameter costs far more memory than its bytes. */
const maxParameters = 10_000;

/** `application/x-www-form-urlencoded`: a space is a plus sign. */
function encode(decoded: string): string {
  return percentEncode(decoded, /[-_.~ ]/).replaceAll(' ', '+');
}

function decode(encoded: string): string {
  return percentDecode(encoded.replaceAll('+', ' '));
}

function encodeObject(parameters: ObjectValue): string {
  const named = sortedEntries(parameters).map(
    ([key, value]) => [typeof key === 'string' ? key : jsonText(key), value] as const,
  );
  named.sort(([a], [b]) => compareStrings(a, b));
  return named.flatMap(([name, value]) => textsOf(value).map((one) => `${encode(name)}=${encode(one)}`)).join('&');
}

function textsOf(value: Value): readonly string[] {
  const values = value instanceof RegoSet ? sortedMembers(value) : isArray(value) ? value : [value];
  if (values.every((one) => typeof one === 'string')) return values;
  return mismatch(1, 'an object of string, array[string] or set[string]', value);
}

/** Every value of each parameter, in order. */
function decodeObject(query: string): ObjectValue {
  const pairs = query.split('&', maxParameters + 1);
  if (pairs.length > maxParameters) throw new BuiltinError(`more than ${maxParameters} query parameters`);
  let parameters: ObjectValue = {};
  for (const pair of pairs) {
    // A reader that takes it for a separator would see other parameters (CVE-2021-23336).
    if (pair.includes(';')) throw new BuiltinError('invalid semicolon separator in query');
    if (pair === '') continue;
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const key = decode(name);
    const known = member(parameters, key) as Value[] | undefined;
    if (known === undefined) parameters = insert(parameters, key, [decode(value)]);
    else known.push(decode(value));
  }
  return parameters;
}

export const urlqueryBuiltins: Builtins = {
  'urlquery.encode': (_context, decoded) => encode(text(decoded, 1)),
  'urlquery.decode': (_context, encoded) => decode(text(encoded, 1)),
  'urlquery.encode_object': (_context, parameters) => encodeObject(object(parameters, 1)),
  'urlquery.decode_object': (_context, query) => decodeObject(text(query, 1)),
};
