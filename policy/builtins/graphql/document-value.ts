import type { ArgumentNode, DirectiveNode, NameNode, StringValueNode, TypeNode, ValueNode } from './library.ts';
import type { PlainObject, Value } from '../../value/value.ts';

/*
 * OPA hands a policy the syntax tree of Go's gqlparser: its field names, without what is null or empty. Comments and
 * positions are left out.
 */

type Fields = { readonly [name: string]: Value | undefined };

/** Without what is undefined or an empty array. */
export function pruned(fields: Fields): PlainObject {
  const present = Object.entries(fields).filter(([, value]) => !(value === undefined || isEmpty(value)));
  return Object.fromEntries(present) as PlainObject;
}

const isEmpty = (value: Value): boolean => Array.isArray(value) && value.length === 0;

/** gqlparser's numbers for the kinds of values. */
export const valueKinds = {
  Variable: 0,
  IntValue: 1,
  FloatValue: 2,
  StringValue: 3,
  BlockString: 4,
  BooleanValue: 5,
  NullValue: 6,
  EnumValue: 7,
  ListValue: 8,
  ObjectValue: 9,
} as const;

export function literalValue(node: ValueNode): PlainObject {
  switch (node.kind) {
    case 'Variable':
      return literal(valueKinds.Variable, node.name.value);
    case 'NullValue':
      return literal(valueKinds.NullValue, 'null');
    case 'StringValue':
      return literal(node.block === true ? valueKinds.BlockString : valueKinds.StringValue, node.value);
    case 'IntValue':
    case 'FloatValue':
    case 'BooleanValue':
    case 'EnumValue':
      return literal(valueKinds[node.kind], String(node.value));
    case 'ListValue':
      return literal(
        valueKinds.ListValue,
        '',
        node.values.map((item) => ({ Name: '', Value: literalValue(item) })),
      );
    case 'ObjectValue':
      return literal(
        valueKinds.ObjectValue,
        '',
        node.fields.map(({ name, value }) => ({ Name: name.value, Value: literalValue(value) })),
      );
  }
}

function literal(kind: number, raw: string, children: readonly Value[] = []): PlainObject {
  return pruned({ Kind: kind, Raw: raw, Children: children, ExpectedTypeHasDefault: false });
}

export function typeValue(node: TypeNode): PlainObject {
  if (node.kind === 'NonNullType') return { ...typeValue(node.type), NonNull: true };
  if (node.kind === 'NamedType') return { NamedType: node.name.value, NonNull: false };
  return { NamedType: '', Elem: typeValue(node.type), NonNull: false };
}

export function directiveValues(nodes: readonly DirectiveNode[] | undefined): readonly Value[] {
  return (nodes ?? []).map((node) =>
    pruned({ Name: node.name.value, Arguments: argumentValues(node.arguments), Location: '' }),
  );
}

export function argumentValues(nodes: readonly ArgumentNode[] | undefined): readonly Value[] {
  return (nodes ?? []).map(({ name, value }) => ({ Name: name.value, Value: literalValue(value) }));
}

export const textOf = (node: StringValueNode | undefined): string => node?.value ?? '';

export const namesOf = (nodes: readonly { readonly name: NameNode }[] | undefined): readonly string[] =>
  (nodes ?? []).map(({ name }) => name.value);
