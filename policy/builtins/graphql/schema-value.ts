import type { PlainObject, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { directiveValues, literalValue, namesOf, pruned, textOf, typeValue } from './document-value.ts';
import type {
  DefinitionNode,
  DirectiveDefinitionNode,
  DocumentNode,
  EnumValueDefinitionNode,
  FieldDefinitionNode,
  InputValueDefinitionNode,
  SchemaDefinitionNode,
  SchemaExtensionNode,
  TypeDefinitionNode,
  TypeExtensionNode,
} from './library.ts';

/** gqlparser's names of the kinds of types; by what graphql-js calls a definition without `Definition` or `Extension`. */
export const typeKinds = {
  ScalarType: 'SCALAR',
  ObjectType: 'OBJECT',
  InterfaceType: 'INTERFACE',
  UnionType: 'UNION',
  EnumType: 'ENUM',
  InputObjectType: 'INPUT_OBJECT',
} as const;

type TypeNodeName = keyof typeof typeKinds;

/** Throws BuiltinError for what gqlparser does not know or does not take for a schema. */
export function schemaValue(document: DocumentNode): PlainObject {
  const lists: Readonly<Record<ListName, Value[]>> = {
    Schema: [],
    SchemaExtension: [],
    Directives: [],
    Definitions: [],
    Extensions: [],
  };
  for (const node of document.definitions) {
    const [list, value] = definitionValue(node);
    lists[list].push(value);
  }
  return pruned(lists);
}

type ListName = 'Schema' | 'SchemaExtension' | 'Directives' | 'Definitions' | 'Extensions';

function definitionValue(node: DefinitionNode): readonly [list: ListName, value: Value] {
  switch (node.kind) {
    case 'SchemaDefinition':
      return ['Schema', rootsValue(node)];
    case 'SchemaExtension':
      return ['SchemaExtension', rootsValue(node)];
    case 'DirectiveDefinition':
      return ['Directives', directiveDefinitionValue(node)];
    case 'ScalarTypeDefinition':
    case 'ObjectTypeDefinition':
    case 'InterfaceTypeDefinition':
    case 'UnionTypeDefinition':
    case 'EnumTypeDefinition':
    case 'InputObjectTypeDefinition':
      return ['Definitions', typeDefinitionValue(node)];
    case 'ScalarTypeExtension':
    case 'ObjectTypeExtension':
    case 'InterfaceTypeExtension':
    case 'UnionTypeExtension':
    case 'EnumTypeExtension':
    case 'InputObjectTypeExtension':
      return ['Extensions', typeDefinitionValue(node)];
    case 'DirectiveExtension':
    case 'OperationDefinition':
    case 'FragmentDefinition':
      throw new BuiltinError(`a schema has no ${node.kind}`);
  }
}

function rootsValue(node: SchemaDefinitionNode | SchemaExtensionNode): PlainObject {
  return pruned({
    Description: 'description' in node ? textOf(node.description) : '',
    Directives: directiveValues(node.directives),
    OperationTypes: (node.operationTypes ?? []).map(({ operation, type }) => ({
      Operation: operation,
      Type: type.name.value,
    })),
  });
}

function directiveDefinitionValue(node: DirectiveDefinitionNode): PlainObject {
  if ((node.directives ?? []).length > 0) throw new BuiltinError('a directive has directives');
  return pruned({
    Description: textOf(node.description),
    Name: node.name.value,
    Arguments: (node.arguments ?? []).map(inputValue),
    Locations: node.locations.map(({ value }) => value),
    IsRepeatable: node.repeatable,
  });
}

function typeDefinitionValue(node: TypeDefinitionNode | TypeExtensionNode): PlainObject {
  return pruned({
    Kind: typeKinds[node.kind.replace(/Definition$|Extension$/, '') as TypeNodeName],
    Description: 'description' in node ? textOf(node.description) : '',
    Name: node.name.value,
    Directives: directiveValues(node.directives),
    Interfaces: 'interfaces' in node ? namesOf(node.interfaces) : undefined,
    Fields: 'fields' in node ? (node.fields ?? []).map(memberValue) : undefined,
    Types: 'types' in node ? namesOf(node.types) : undefined,
    EnumValues: 'values' in node ? (node.values ?? []).map(enumValue) : undefined,
    BuiltIn: false,
  });
}

function memberValue(node: FieldDefinitionNode | InputValueDefinitionNode): PlainObject {
  if (node.kind === 'InputValueDefinition') return inputValue(node);
  return pruned({
    Description: textOf(node.description),
    Name: node.name.value,
    Arguments: (node.arguments ?? []).map(inputValue),
    Type: typeValue(node.type),
    Directives: directiveValues(node.directives),
  });
}

function inputValue(node: InputValueDefinitionNode): PlainObject {
  return pruned({
    Description: textOf(node.description),
    Name: node.name.value,
    DefaultValue: node.defaultValue && literalValue(node.defaultValue),
    Type: typeValue(node.type),
    Directives: directiveValues(node.directives),
  });
}

function enumValue(node: EnumValueDefinitionNode): PlainObject {
  return pruned({
    Description: textOf(node.description),
    Name: node.name.value,
    Directives: directiveValues(node.directives),
  });
}
