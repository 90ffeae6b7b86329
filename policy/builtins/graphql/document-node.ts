import { member } from '../../value/object.ts';
import { isArray, isObject, type ObjectValue, type Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { valueKinds } from './document-value.ts';
import type {
  ArgumentNode,
  DirectiveNode,
  NameNode,
  NamedTypeNode,
  StringValueNode,
  TypeNode,
  ValueNode,
} from './library.ts';

/*
 * The way back from `document-value.ts`: a policy may hand over a tree instead of a text. What is missing is empty, as
 * for Go's JSON decoder.
 */

export function textIn(object: ObjectValue, name: string): string {
  const value = member(object, name) ?? '';
  return typeof value === 'string' ? value : wrong(name, 'a string');
}

export function flagIn(object: ObjectValue, name: string): boolean {
  const value = member(object, name) ?? false;
  return typeof value === 'boolean' ? value : wrong(name, 'a boolean');
}

function numberIn(object: ObjectValue, name: string): number {
  const value = member(object, name) ?? 0;
  return typeof value === 'number' ? value : wrong(name, 'a number');
}

export function objectIn(object: ObjectValue, name: string): ObjectValue | undefined {
  const value = member(object, name) ?? undefined;
  return value === undefined || isObject(value) ? value : wrong(name, 'an object');
}

export function listIn(object: ObjectValue, name: string): readonly Value[] {
  const value = member(object, name) ?? [];
  return isArray(value) ? value : wrong(name, 'an array');
}

export function objectsIn(object: ObjectValue, name: string): readonly ObjectValue[] {
  return listIn(object, name).map((item) => (isObject(item) ? item : wrong(name, 'an array of objects')));
}

export function wrong(name: string, wanted: string): never {
  throw new BuiltinError(`${name} of a GraphQL syntax tree must be ${wanted}`);
}

/** Only what a text could have said. */
export function nameNode(name: string): NameNode {
  if (!/^[_A-Za-z][_0-9A-Za-z]*$/.test(name)) throw new BuiltinError('a GraphQL syntax tree has a name that is none');
  return { kind: 'Name', value: name };
}

export const nameIn = (object: ObjectValue, name = 'Name'): NameNode => nameNode(textIn(object, name));

export const namedTypeNode = (name: string): NamedTypeNode => ({ kind: 'NamedType', name: nameNode(name) });

export function descriptionIn(object: ObjectValue): StringValueNode | undefined {
  const description = textIn(object, 'Description');
  return description === '' ? undefined : { kind: 'StringValue', value: description };
}

export function typeIn(object: ObjectValue, name: string): TypeNode {
  const type = objectIn(object, name) ?? wrong(name, 'an object');
  const element = objectIn(type, 'Elem');
  const inner =
    element === undefined
      ? namedTypeNode(textIn(type, 'NamedType'))
      : ({ kind: 'ListType', type: typeIn(type, 'Elem') } as const);
  return flagIn(type, 'NonNull') ? { kind: 'NonNullType', type: inner } : inner;
}

export function directivesIn(object: ObjectValue): readonly DirectiveNode[] {
  return objectsIn(object, 'Directives').map((directive) => ({
    kind: 'Directive',
    name: nameIn(directive),
    arguments: argumentsIn(directive),
  }));
}

export function argumentsIn(object: ObjectValue): readonly ArgumentNode[] {
  return objectsIn(object, 'Arguments').map((argument) => ({
    kind: 'Argument',
    name: nameIn(argument),
    value: literalIn(argument, 'Value') ?? wrong('Value', 'an object'),
  }));
}

export function literalIn(object: ObjectValue, name: string): ValueNode | undefined {
  const literal = objectIn(object, name);
  return literal === undefined ? undefined : literalNode(literal);
}

function literalNode(literal: ObjectValue): ValueNode {
  const raw = textIn(literal, 'Raw');
  switch (numberIn(literal, 'Kind')) {
    case valueKinds.Variable:
      return { kind: 'Variable', name: nameNode(raw) };
    case valueKinds.IntValue:
      return /^-?(?:0|[1-9][0-9]*)$/.test(raw) ? { kind: 'IntValue', value: raw } : wrong('Raw', 'an integer');
    case valueKinds.FloatValue:
      if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(raw)) return wrong('Raw', 'a number');
      return { kind: 'FloatValue', value: raw };
    case valueKinds.StringValue:
      return { kind: 'StringValue', value: raw };
    case valueKinds.BlockString:
      return { kind: 'StringValue', value: raw, block: true };
    case valueKinds.BooleanValue:
      return raw === 'true' || raw === 'false'
        ? { kind: 'BooleanValue', value: raw === 'true' }
        : wrong('Raw', 'a boolean');
    case valueKinds.NullValue:
      return { kind: 'NullValue' };
    case valueKinds.EnumValue:
      return { kind: 'EnumValue', value: nameNode(raw).value };
    case valueKinds.ListValue:
      return { kind: 'ListValue', values: objectsIn(literal, 'Children').map(childNode) };
    case valueKinds.ObjectValue:
      return {
        kind: 'ObjectValue',
        fields: objectsIn(literal, 'Children').map((child) => ({
          kind: 'ObjectField',
          name: nameIn(child),
          value: childNode(child),
        })),
      };
    default:
      return wrong('Kind', 'one of 0 to 9');
  }
}

function childNode(child: ObjectValue): ValueNode {
  return literalIn(child, 'Value') ?? wrong('Value', 'an object');
}
