import { unescapeToken } from '../../json/pointer.ts';
import type { Fault } from '../../schema/lenient.ts';
import type { PlainObject } from '../../value/value.ts';

/** What gojsonschema, which OPA uses, calls a fault of a keyword, and what it says of it. */
const told: ReadonlyMap<string, readonly [type: string, description: string]> = new Map([
  ['false schema', ['false', 'False always fails validation']],
  ['required', ['required', '{missingProperty} is required']],
  ['type', ['invalid_type', 'Invalid type. Expected: {said}, given: {given}']],
  ['anyOf', ['number_any_of', 'Must validate at least one schema (anyOf)']],
  ['oneOf', ['number_one_of', 'Must validate one and only one schema (oneOf)']],
  ['not', ['number_not', 'Must not validate the schema (not)']],
  ['dependencies', ['missing_dependency', 'Has a dependency on {missingProperty}']],
  ['const', ['const', '{field} does not match: {said}']],
  ['enum', ['enum', '{field} must be one of the following: {said}']],
  ['additionalItems', ['array_no_additional_items', 'No additional items allowed on array']],
  ['minItems', ['array_min_items', 'Array must have at least {said} items']],
  ['maxItems', ['array_max_items', 'Array must have at most {said} items']],
  ['uniqueItems', ['unique', 'array items must be unique']],
  ['contains', ['contains', 'At least one of the items must match']],
  ['minProperties', ['array_min_properties', 'Must have at least {said} properties']],
  ['maxProperties', ['array_max_properties', 'Must have at most {said} properties']],
  [
    'additionalProperties',
    ['additional_property_not_allowed', 'Additional property {additionalProperty} is not allowed'],
  ],
  ['propertyNames', ['invalid_property_name', 'Property name of "{propertyName}" does not match']],
  ['minLength', ['string_gte', 'String length must be greater than or equal to {said}']],
  ['maxLength', ['string_lte', 'String length must be less than or equal to {said}']],
  ['pattern', ['pattern', "Does not match pattern '{said}'"]],
  ['format', ['format', "Does not match format '{said}'"]],
  ['multipleOf', ['multiple_of', 'Must be a multiple of {said}']],
  ['minimum', ['number_gte', 'Must be greater than or equal to {said}']],
  ['exclusiveMinimum', ['number_gt', 'Must be greater than {said}']],
  ['maximum', ['number_lte', 'Must be less than or equal to {said}']],
  ['exclusiveMaximum', ['number_lt', 'Must be less than {said}']],
  ['then', ['condition_then', 'Must validate "then" as "if" was valid']],
  ['else', ['condition_else', 'Must validate "else" as "if" was not valid']],
]);

export function schemaErrorValue({ keyword, pointer, params, said, data }: Fault): PlainObject {
  const field = pointer === '' ? '(Root)' : pointer.slice(1).split('/').map(unescapeToken).join('.');
  const failed = keyword === 'if' ? String(params['failingKeyword']) : keyword;
  const [type, description] = told.get(failed) ?? [failed, 'Is not valid'];
  const details = { ...params, field, said: saidText(failed, said), given: typeOf(data) } as Readonly<
    Record<string, string>
  >;
  const desc = description.replaceAll(/\{(\w+)\}/g, (_, name: string) => details[name] ?? '');
  return { error: `${field}: ${desc}`, type, field, desc };
}

function saidText(keyword: string, said: unknown): string {
  if (keyword === 'enum') return (said as readonly unknown[]).map((one) => JSON.stringify(one)).join(', ');
  if (keyword === 'type' && Array.isArray(said)) return `[${said.join(',')}]`;
  return typeof said === 'string' && keyword !== 'const' ? said : JSON.stringify(said);
}

function typeOf(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'array';
  if (typeof data === 'number') return Number.isInteger(data) ? 'integer' : 'number';
  return typeof data;
}
